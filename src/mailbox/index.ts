/** Boxes, hosts, couriers: messages for people who are offline. Spec 03-mailbox. @module */
export type {
  HostInfo,
  HostKind,
  HostNode,
  HostStats,
  MailboxClient,
  MailboxOwner,
  MailboxStatus,
  Separation,
  WriteResult,
} from './api.ts'
export type { BoxKeys } from './box-keys.ts'
export {
  deriveBoxKeys,
  inviteBoxSeed,
  openBox,
  sealBox,
  signTombstone,
  verifyBox,
  verifyTombstone,
} from './box-keys.ts'
export { formatHostUri, parseHostUri } from './host-uri.ts'
export type { MailboxParameters } from './options.ts'
export {
  BOX_LIFETIME_MS,
  BOX_WINDOW_COUNT,
  MAILBOX_PARAMETERS,
  STORED_QUORUM_COUNT,
  testParameters,
} from './options.ts'
export type { ReceiptCount, ReceiptCountInput, ReceiptHost } from './receipt.ts'
export { ciphertextHashOf, countReceipts, RECEIPT_HOST_COUNT, signReceipt, verifyReceipt } from './receipt.ts'
export type { SeenRequests } from './sealed-request.ts'
export {
  checkReply,
  createSeenRequests,
  openReply,
  openRequest,
  readCheckReply,
  sealReply,
  sealRequest,
} from './sealed-request.ts'
export type { SendBox, SessionBoxKeys, WantedBox } from './sequence.ts'
export { createSequences, keysOf, noteRead, syncSequences, takeSendBox, wantedBoxes } from './sequence.ts'
export { decodeSequences, encodeSequences } from './sequence-codec.ts'
export type { BoxSequences } from './sequence-state.ts'
export type { SessionWorkContext, Work } from './work.ts'
export {
  hostIdOf,
  hostWorkPeriod,
  isHostWorkPeriod,
  mintHostWork,
  mintSessionWork,
  verifyHostWork,
  verifySessionWork,
} from './work.ts'
