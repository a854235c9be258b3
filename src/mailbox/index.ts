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
export { formatHostUri, parseHostUri } from './host-uri.ts'
export type { MailboxParameters } from './options.ts'
export {
  BOX_LIFETIME_MS,
  BOX_WINDOW_COUNT,
  MAILBOX_PARAMETERS,
  STORED_QUORUM_COUNT,
  testParameters,
} from './options.ts'
