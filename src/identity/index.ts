/** Own keys, invites and what is derived from them, safety numbers. @module */

export type { Invite, InviteResult } from './invite.ts'
export { encodeInvite, INVITE_HOSTS_MAX_COUNT, INVITE_VERSION, parseInvite } from './invite.ts'
export type { InviteOffer } from './invite-offer.ts'
export { createInviteOffer, inviteId, rendezvousOnionKey } from './invite-offer.ts'
export {
  createIdentityKeys,
  decodeIdentityKeys,
  encodeIdentityKeys,
  identityHash,
  publicIdentity,
} from './keys.ts'
export type { LaneKeys } from './lane-keys.ts'
export { deriveLaneKeys, LANE_WINDOW_MS, laneWindow } from './lane-keys.ts'
export {
  createPrekeys,
  decodePrekeyBundle,
  decodePrekeys,
  encodePrekeyBundle,
  encodePrekeys,
  prekeyBundle,
} from './prekeys.ts'
export { safetyNumber } from './safety-number.ts'
export type { IdentityKeys, KeyPair, PrekeyBundle, PrekeySecrets, PublicIdentity } from './types.ts'
export type { RendezvousKeys } from './voucher.ts'
export { createVoucher, deriveRendezvousKeys, openBundle, sealBundle } from './voucher.ts'
