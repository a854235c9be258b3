/**
 * Transport identities, which live for one endpoint.
 * Never the identity of a user: seeds are derived per lane window, per rendezvous, per epoch. Spec 01a-transport §3.
 * @module
 */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'

const SEED_BYTES = 32

/** The Ed25519 key that a 32-byte seed stands for. */
export async function transportKey(seed: Uint8Array): Promise<Ed25519PrivateKey> {
  if (seed.length !== SEED_BYTES) throw new RangeError('transport seed must have 32 bytes')
  return generateKeyPairFromSeed('Ed25519', seed)
}

/** The peer id of whoever holds the seed. */
export async function transportPeerId(seed: Uint8Array): Promise<PeerId> {
  return peerIdFromPrivateKey(await transportKey(seed))
}
