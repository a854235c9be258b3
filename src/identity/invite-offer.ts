/**
 * Everything an inviter makes and keeps for one invite.
 * Never shares a key with another invite: rendezvous, prekeys and voucher are made for this one. Spec 06-identity §5.
 * @module
 */
import { hexEncode } from '../base/index.ts'
import { deriveOnionKey, framed, KEY_BYTES, label, randomBytes, sha256 } from '../crypto/index.ts'
import type { OnionSecretKey } from '../ports/index.ts'
import { type HostEntry, VOUCHER_SALT_BYTES } from '../wire/index.ts'
import { encodeInvite, INVITE_VERSION } from './invite.ts'
import { createPrekeys, encodePrekeyBundle, prekeyBundle } from './prekeys.ts'
import type { IdentityKeys, PrekeySecrets } from './types.ts'
import { createVoucher, deriveRendezvousKeys, sealBundle } from './voucher.ts'

/** The secret side of an invite; `voucher` and `onionSeed` end with it, `prekeys` with its one handshake. */
export interface InviteOffer {
  readonly uri: string
  readonly voucher: Uint8Array
  /** Seed of the rendezvous onion service's key; undefined for an invite through mailboxes alone. */
  readonly onionSeed: Uint8Array | undefined
  /** What the rendezvous hands out, and the first mailbox of the invite. */
  readonly sealedBundle: Uint8Array
  readonly prekeys: PrekeySecrets
}

export function createInviteOffer(
  own: IdentityKeys,
  options: { readonly expiresAtMs: number; readonly rendezvous: boolean; readonly hosts: readonly HostEntry[] },
): InviteOffer {
  const { expiresAtMs, hosts } = options
  const prekeys = createPrekeys()
  const bundleBytes = encodePrekeyBundle(prekeyBundle(own, prekeys))
  const salt = randomBytes(VOUCHER_SALT_BYTES)
  const voucher = createVoucher(bundleBytes, salt)
  const onionSeed = options.rendezvous ? randomBytes(KEY_BYTES) : undefined
  const rendezvousPublicKey = onionSeed === undefined ? undefined : deriveOnionKey(onionSeed).publicKey
  return {
    uri: encodeInvite({ version: INVITE_VERSION, expiresAtMs, voucher, rendezvousPublicKey, hosts }),
    voucher,
    onionSeed,
    sealedBundle: sealBundle(deriveRendezvousKeys(voucher).bundleKey, salt, bundleBytes),
    prekeys,
  }
}

/** tor's form of the rendezvous key. */
export function rendezvousOnionKey(onionSeed: Uint8Array): OnionSecretKey {
  return deriveOnionKey(onionSeed).secretKey
}

const INVITE_ID_BYTES = 16

/** 32 hexadecimal characters that name an invite locally; they tell nothing about the voucher. */
export function inviteId(voucher: Uint8Array): string {
  return hexEncode(sha256(framed(label('invite-id'), voucher)).slice(0, INVITE_ID_BYTES))
}
