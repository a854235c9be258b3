/** Boxes, hosts, couriers: messages for people who are offline. Spec 03-mailbox. @module */
export type {
  BulkState,
  HostInfo,
  HostKind,
  HostNode,
  HostStats,
  MailboxClient,
  MailboxOwner,
  MailboxStatus,
  ProfileState,
  Separation,
  SyncState,
  WatchOptions,
  WriteResult,
} from './api.ts'
export type { BoxKeys } from './box-keys.ts'
export {
  deriveBoxKeys,
  fileBoxSeed,
  inviteBoxSeed,
  openBox,
  sealBox,
  signTombstone,
  verifyBox,
  verifyTombstone,
} from './box-keys.ts'
export { createMailboxClient } from './client/client.ts'
export type { ClientFunctions, CourierDeps, MailboxClientDeps } from './client/deps.ts'
export { CLIENT_FUNCTIONS } from './client/deps.ts'
export { fetchHostTable } from './client/fetch-host-table.ts'
export type { MailboxErrorCode } from './errors.ts'
export { chunkBoxId, createFileHash, createFileKey, openChunk, sealChunk } from './file-boxes.ts'
export { separationOf } from './guarantee.ts'
export type { FetchHostTable, HostFunctions, HostNodeDeps } from './host/context.ts'
export type { HostKeys } from './host/host-keys.ts'
export { hostEntryOf, loadHostKeys } from './host/host-keys.ts'
export { createHostNode } from './host/host-node.ts'
export type { DescriptorFault, DescriptorRules, DescriptorVerdict, HostRecord } from './host-descriptor.ts'
export {
  checkHostDescriptor,
  isValidDescriptorRecord,
  selectDescriptorRecord,
  signHostDescriptor,
} from './host-descriptor.ts'
export type { HostTable, HostTableOptions, MergeResult } from './host-table.ts'
export { createHostTable, decodeHostTable, hostTableRoot } from './host-table.ts'
export { formatHostUri, parseHostUri } from './host-uri.ts'
export type { MailboxParameters } from './options.ts'
export {
  BOX_LIFETIME_MS,
  BOX_WINDOW_COUNT,
  HOT_SLOT_COUNT,
  MAILBOX_PARAMETERS,
  testParameters,
} from './options.ts'
export { closestOf, compareDistance, placementKey } from './placement.ts'
export type { Guessing, Poll, Poller, ReadPlan } from './poller.ts'
export { createPoller } from './poller.ts'
export type { ReceiptCount, ReceiptCountInput, ReceiptHost } from './receipt.ts'
export {
  ciphertextHashOf,
  countReceipts,
  leastReceiptExpiryMs,
  quorumOf,
  RECEIPT_HOST_COUNT,
  replicasOf,
  signReceipt,
  verifyReceipt,
} from './receipt.ts'
export { createRecordValidator } from './record-validator.ts'
export type { HostRole, HostScore, Scores, Suspect, Tally } from './score.ts'
export {
  ageScores,
  createScores,
  excludedHosts,
  keepScores,
  noteProbe,
  totalOf,
  wilsonLowerBound,
} from './score.ts'
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
