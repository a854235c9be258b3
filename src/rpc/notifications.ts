/**
 * What the daemon tells without being asked: the `receive` and `event` notifications of a subscription.
 * Never sends an event without its `seq`, and never two forms of one event. Spec 08-rpc §4.
 * @module
 */
import type { AttachmentInfo, MessageInfo, MessengerEvent } from '../messenger/index.ts'
import { withoutUndefined } from './defined.ts'
import { CONTACT_ID, DAY_MS, MESSAGE_ID, TIME_MS } from './examples.ts'
import * as model from './models.ts'
import type { Infer, Schema } from './schema/index.ts'
import {
  array,
  boolean,
  enumeration,
  integer,
  named,
  nullable,
  nullValue,
  object,
  optional,
  string,
  variants,
} from './schema/index.ts'

const messageBody = {
  timestamp: model.timeMs("When it was sent, by its sender's clock."),
  message: nullable(string({ description: 'The text; null when this version does not know the type.' })),
  expiresInSeconds: integer({ minimum: 0 }),
  viewOnce: boolean(),
  attachments: optional(
    array(
      object({
        id: string({ description: 'What `saveAttachment` and the others call it: the id of the message.' }),
        contentType: string({
          description:
            'What the sender says that it is, `application/octet-stream` when nothing. Foreign when received.',
        }),
        filename: string({ description: 'Name of the file. Foreign when received; is no path.' }),
        size: integer({ description: 'Length of the file in bytes.', minimum: 0 }),
      }),
      { description: 'Announced with this message; the event `attachment` tells when one is here.' },
    ),
  ),
}

/** The members that signal-cli has as well keep its names and meanings. */
const envelope = named(
  'Envelope',
  object({
    source: model.contactId,
    sourceUuid: model.contactId,
    sourceNumber: nullValue('Always null: there are no telephone numbers.'),
    sourceDevice: integer({ minimum: 1, maximum: 1 }),
    timestamp: model.timeMs("When it was sent, by its sender's clock."),
    serverReceivedTimestamp: model.timeMs('When this daemon stored it.'),
    messageId: model.messageId,
    position: model.position,
    dataMessage: optional(object(messageBody, 'A message from the contact.')),
    syncMessage: optional(
      object(
        { sentMessage: object({ destination: model.contactId, destinationUuid: model.contactId, ...messageBody }) },
        'A message that this profile sent, by whatever front end.',
      ),
    ),
  }),
  'Has either `dataMessage` or `syncMessage`. With `syncMessage`, `source` is the contact it was sent to as well.',
)

const position = {
  subscription: model.subscription,
  seq: model.seq,
  atMs: model.timeMs('When the event happened.'),
}

export const receiveParams = named('ReceiveParams', object({ ...position, result: object({ envelope }) }))

const eventResult = named(
  'Event',
  variants(
    'type',
    {
      delivery: {
        contactId: model.contactId,
        messageId: model.messageId,
        delivery: model.deliveryState,
        ...model.delivery,
      },
      expiring: {
        contactId: model.contactId,
        messageId: model.messageId,
        untilMs: model.timeMs('When the last copies of this message end, two days from the event, unless it is read.'),
      },
      request: { request: model.request },
      contact: { contactId: model.contactId, state: model.contactState, failure: optional(model.failure) },
      invite: { inviteId: model.inviteId, state: model.inviteState },
      live: { contactId: model.contactId, ...model.liveMembers },
      attachment: {
        contactId: model.contactId,
        messageId: model.messageId,
        direction: enumeration(['sent', 'received']),
        ...model.transfer,
      },
      gone: {},
      overflow: {
        firstSeq: integer({
          description: 'Everything before this event was dropped because the log is bounded.',
          minimum: 1,
        }),
      },
    },
    'gone: what the event told of was removed since, for instance with its contact.',
  ),
)

export const eventParams = named('EventParams', object({ ...position, result: eventResult }))

export type ReceiveParams = Infer<typeof receiveParams>
export type EventParams = Infer<typeof eventParams>

export type RpcNotification =
  | { readonly method: 'receive'; readonly params: ReceiveParams }
  | { readonly method: 'event'; readonly params: EventParams }

/** The one form in which an event leaves: messages as `receive`, everything else as `event`. */
export function toNotification(event: MessengerEvent, subscription: number): RpcNotification {
  const { seq, atMs, body } = event
  const place = { subscription, seq, atMs }
  switch (body.type) {
    case 'message':
      return { method: 'receive', params: { ...place, result: { envelope: toEnvelope(body.message) } } }
    case 'request':
      return {
        method: 'event',
        params: { ...place, result: { type: 'request', request: withoutUndefined(body.request) } },
      }
    case 'contact':
      return { method: 'event', params: { ...place, result: withoutUndefined(body) } }
    case 'delivery':
      return { method: 'event', params: { ...place, result: withoutUndefined(body) } }
    case 'live':
      return { method: 'event', params: { ...place, result: withoutUndefined(body) } }
    case 'attachment':
      return { method: 'event', params: { ...place, result: withoutUndefined(body) } }
    case 'expiring':
    case 'invite':
    case 'gone':
    case 'overflow':
      return { method: 'event', params: { ...place, result: body } }
  }
}

function toEnvelope(message: MessageInfo): ReceiveParams['result']['envelope'] {
  const { contactId, timestampMs, storedAtMs, messageId, position: place } = message
  const body = {
    timestamp: timestampMs,
    message: message.type === 'text' ? message.text : null,
    expiresInSeconds: 0,
    viewOnce: false,
    ...(message.attachment === undefined ? {} : { attachments: [toSignalAttachment(messageId, message.attachment)] }),
  }
  return {
    source: contactId,
    sourceUuid: contactId,
    sourceNumber: null,
    sourceDevice: 1,
    timestamp: timestampMs,
    serverReceivedTimestamp: storedAtMs,
    messageId,
    position: place,
    ...(message.direction === 'received'
      ? { dataMessage: body }
      : { syncMessage: { sentMessage: { destination: contactId, destinationUuid: contactId, ...body } } }),
  }
}

const UNKNOWN_TYPE = 'application/octet-stream'

function toSignalAttachment(messageId: string, { name, mimeType, bytes }: AttachmentInfo) {
  return { id: messageId, contentType: mimeType ?? UNKNOWN_TYPE, filename: name, size: bytes }
}

export interface NotificationDefinition {
  readonly name: RpcNotification['method']
  readonly summary: string
  readonly params: Schema<unknown>
  readonly example: unknown
}

/** Everything that can arrive without a request. */
export const NOTIFICATIONS: readonly NotificationDefinition[] = [
  {
    name: 'receive',
    summary: 'A message, in the envelope of signal-cli.',
    params: receiveParams,
    example: {
      subscription: 1,
      seq: 7,
      atMs: TIME_MS + 2_000,
      result: {
        envelope: {
          source: CONTACT_ID,
          sourceUuid: CONTACT_ID,
          sourceNumber: null,
          sourceDevice: 1,
          timestamp: TIME_MS,
          serverReceivedTimestamp: TIME_MS + 2_000,
          messageId: MESSAGE_ID,
          position: 1,
          dataMessage: { timestamp: TIME_MS, message: 'hello', expiresInSeconds: 0, viewOnce: false },
        },
      },
    } satisfies ReceiveParams,
  },
  {
    name: 'event',
    summary: 'Anything else that happened; `result.type` says what.',
    params: eventParams,
    example: {
      subscription: 1,
      seq: 8,
      atMs: TIME_MS + 5_000,
      result: {
        type: 'delivery',
        contactId: CONTACT_ID,
        messageId: MESSAGE_ID,
        delivery: 'stored',
        stored: { replicas: 8, wanted: 8, untilMs: TIME_MS + 14 * DAY_MS },
      },
    } satisfies EventParams,
  },
]
