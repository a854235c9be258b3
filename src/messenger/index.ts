/** The use-cases of noctule and the face that front ends see. @module */
export type { BulkState, HostInfo, MailboxStatus, ProfileState, Separation, SyncState } from '../mailbox/index.ts'
export type { Delay, LaneTraffic, ProfileName, TrafficLane } from '../padding/index.ts'
export { PROFILE_NAMES, TRAFFIC_LANES } from '../padding/index.ts'
export type {
  AttachmentInfo,
  ContactId,
  ContactInfo,
  ContactState,
  CreatedInvite,
  Delivery,
  DeliveryState,
  InviteId,
  InviteInfo,
  InvitePreview,
  InviteState,
  LiveInfo,
  MessageId,
  MessageInfo,
  Messenger,
  MessengerEvent,
  MessengerEventBody,
  MessengerStatus,
  ProfileInfo,
  ReceiptSettings,
  RequestId,
  RequestInfo,
  SentMessage,
  StoredCopies,
  TransferInfo,
  TransferState,
} from './api.ts'
export type {
  ClockFace,
  ProfileOffer,
  ProfileReport,
  SendEstimate,
  SendingInfo,
  SendPath,
  TrafficInfo,
} from './clock-api.ts'
export type { MessengerDeps, SessionFunctions } from './context.ts'
export type { MessengerErrorCode } from './errors.ts'
export { MESSENGER_ERRORS, messengerError } from './errors.ts'
export { openMessenger, SESSION_FUNCTIONS } from './messenger.ts'
