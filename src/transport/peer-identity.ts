/**
 * Transport identities, which live for one endpoint.
 * Never the identity of a user: seeds are derived per lane window, per rendezvous, per epoch, or are a host's, which is
 * nobody's. Spec 01a-transport §3.
 * @module
 */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import type { LinkOptions } from '../ports/index.ts'

const SEED_BYTES = 32
const PUBLIC_KEY_BYTES = 32

/** The Ed25519 key that a 32-byte seed stands for. */
export async function transportKey(seed: Uint8Array): Promise<Ed25519PrivateKey> {
  if (seed.length !== SEED_BYTES) throw new RangeError('transport seed must have 32 bytes')
  return generateKeyPairFromSeed('Ed25519', seed)
}

/** The peer id of whoever holds the seed. */
export async function transportPeerId(seed: Uint8Array): Promise<PeerId> {
  return peerIdFromPrivateKey(await transportKey(seed))
}

/** The raw Ed25519 public key of whoever holds the seed. */
export async function transportPublicKey(seed: Uint8Array): Promise<Uint8Array> {
  return (await transportKey(seed)).publicKey.raw
}

/** The peer id of a raw Ed25519 public key. */
export function peerIdOfKey(publicKey: Uint8Array): PeerId {
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new RangeError('transport key must have 32 bytes')
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey))
}

/** The raw Ed25519 public key of a peer id; undefined for every other kind of identity. */
export function keyOfPeerId(peerId: PeerId): Uint8Array | undefined {
  return peerId.type === 'Ed25519' ? Uint8Array.from(peerId.publicKey.raw) : undefined
}

/**
 * The key that the other end of a link has to prove; undefined admits any.
 * @throws {RangeError} when it is given both ways
 */
export async function expectedKey(link: LinkOptions): Promise<Uint8Array | undefined> {
  if (link.remoteSeed === undefined) return link.remoteKey
  if (link.remoteKey !== undefined) throw new RangeError('"remoteSeed" and "remoteKey" exclude each other')
  return transportPublicKey(link.remoteSeed)
}

/** As {@link expectedKey}, for dialers. @throws {RangeError} when neither is given */
export async function dialedKey(link: LinkOptions): Promise<Uint8Array> {
  const key = await expectedKey(link)
  if (key === undefined) throw new RangeError('a dialer needs "remoteSeed" or "remoteKey"')
  return key
}
