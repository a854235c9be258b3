/**
 * Every failure a front end can meet when it asks the messenger for something.
 * Never repeats what the user typed. HOUSE §4.4, spec 08-rpc §5.
 * @module
 */
import type { ErrorTable } from '../base/index.ts'
import { createErrorFactory } from '../base/index.ts'

export const MESSENGER_ERRORS = {
  INVITE_MALFORMED: {
    kind: 'user',
    why: 'The invite is damaged: a part is missing or mistyped.',
    remedy: 'Copy the whole invite again, or scan its QR code.',
  },
  INVITE_FOREIGN: {
    kind: 'user',
    why: 'This is not a noctule invite of this network.',
    remedy: 'Open it with the application it was made for.',
  },
  INVITE_VERSION_UNSUPPORTED: {
    kind: 'user',
    why: 'The invite was made by a newer version of noctule.',
    remedy: 'Update noctule, or ask for an invite made by an older version.',
  },
  INVITE_EXPIRED: {
    kind: 'user',
    why: 'The invite has expired.',
    remedy: 'Ask for a new invite.',
  },
  INVITE_USED: {
    kind: 'user',
    why: 'The invite was used before; each invite works once.',
    remedy: 'If it was not you, tell the inviter over another channel, and ask for a new invite.',
  },
  INVITE_REVOKED: {
    kind: 'user',
    why: 'The inviter has withdrawn this invite.',
    remedy: 'Ask for a new invite.',
  },
  INVITE_OWN: {
    kind: 'user',
    why: 'This profile made the invite itself.',
    remedy: 'Give it to the person you want to talk to.',
  },
  INVITE_ALREADY_ACCEPTED: {
    kind: 'user',
    why: 'This profile has accepted the invite before.',
    remedy: 'Look at the list of contacts; remove the contact first to start over with a new invite.',
  },
  INVITE_BUNDLE_INVALID: {
    kind: 'peer',
    why: 'What the inviter’s address handed out does not match the invite; somebody may be in between.',
    remedy: 'Do not use this invite; ask for a new one over another channel.',
  },
  INVITE_UNKNOWN: { kind: 'user', why: 'There is no invite with this id.', remedy: 'List the invites and try again.' },
  INVITE_LIMIT: {
    kind: 'user',
    why: 'Too many invites are open at the same time.',
    remedy: 'Revoke invites that are not needed any more.',
  },
  INVITE_EXPIRY_INVALID: {
    kind: 'user',
    why: 'The lifetime of an invite must lie between ten minutes and thirty days.',
    remedy: 'Choose another lifetime.',
  },
  REQUEST_UNKNOWN: {
    kind: 'user',
    why: 'There is no contact request with this id.',
    remedy: 'List the requests and try again.',
  },
  REQUEST_EXPIRED: {
    kind: 'peer',
    why: 'The inviter did not answer the contact request in time.',
    remedy: 'Ask for a new invite.',
  },
  CONTACT_UNKNOWN: {
    kind: 'user',
    why: 'There is no contact with this id.',
    remedy: 'List the contacts and try again.',
  },
  CONTACT_NOT_READY: {
    kind: 'retry',
    why: 'The contact request has not reached the inviter yet, so there is no key to seal a message with.',
    remedy: 'Wait for the contact to become `requested` or `active`.',
  },
  CONTACT_BLOCKED: { kind: 'user', why: 'The contact is blocked.', remedy: 'Unblock the contact first.' },
  CONTACT_FAILED: {
    kind: 'user',
    why: 'The contact request failed, so nothing can be sent to this contact.',
    remedy: 'Remove the contact and ask for a new invite.',
  },
  ALIAS_INVALID: {
    kind: 'user',
    why: 'An alias or label must have 1 to 64 characters, none of them a control character.',
    remedy: 'Choose another one.',
  },
  MESSAGE_EMPTY: { kind: 'user', why: 'The message has no text.', remedy: 'Write something.' },
  MESSAGE_TOO_LONG: {
    kind: 'user',
    why: 'The text is longer than a message may be.',
    remedy: 'Send it in several messages.',
  },
  BOX_TOO_EARLY: {
    kind: 'retry',
    why: 'A mailbox was read before the ones that it follows.',
    remedy: 'Nothing needs to be done: it is read again after them.',
  },
  OUTBOX_FULL: {
    kind: 'retry',
    why: 'Too much is waiting for this contact already.',
    remedy: 'Wait until some of it is delivered; the details say when a next look is worth it.',
  },
  LIVE_DURATION_INVALID: {
    kind: 'user',
    why: 'A lane is agreed for between one minute and 24 hours at a time.',
    remedy: 'Choose another number of minutes.',
  },
  LIVE_ALWAYS: {
    kind: 'user',
    why: 'The invite of this contact named no hosts, so that its lane is the only way between you.',
    remedy: 'Remove the contact and pair again by an invite that names hosts.',
  },
  PROFILE_NOT_MANUAL: {
    kind: 'user',
    why: 'Only profile Manual syncs when it is asked to; every other profile runs by itself.',
    remedy: 'Nothing needs to be done: what waits leaves in its slot.',
  },
  ESTIMATE_INPUT_INVALID: {
    kind: 'user',
    why: 'An estimate is for a text or for a file, and for one of the two.',
    remedy: 'Give either `message` or `bytes`.',
  },
  ATTACHMENT_PATH_RELATIVE: {
    kind: 'user',
    why: 'The path of the file does not begin at the root.',
    remedy: 'Give the whole path: the daemon has a working directory of its own.',
  },
  ATTACHMENT_FILE_MISSING: {
    kind: 'user',
    why: 'There is no such file, or no such directory for a new one.',
    remedy: 'Check the path.',
  },
  ATTACHMENT_FILE_IRREGULAR: {
    kind: 'user',
    why: 'The path names a directory, a link or a device.',
    remedy: 'Give the path of a regular file.',
  },
  ATTACHMENT_FILE_FORBIDDEN: {
    kind: 'user',
    why: 'The daemon may not read or make this file.',
    remedy: 'Choose a place that the user of the daemon may use.',
  },
  ATTACHMENT_FILE_EXISTS: {
    kind: 'user',
    why: 'There is something with this name already, and nothing is ever replaced.',
    remedy: 'Choose another name.',
  },
  ATTACHMENT_FILE_FAILED: {
    kind: 'environment',
    why: 'The file could not be read or written to its end.',
    remedy: 'Check the disk and its free space, then try again.',
  },
  ATTACHMENT_FILE_CHANGED: {
    kind: 'retry',
    why: 'The file became longer or shorter while it was read.',
    remedy: 'Wait until nothing writes to it any more.',
  },
  ATTACHMENT_TOO_LARGE: {
    kind: 'user',
    why: 'A file may have 16 MiB at most.',
    remedy: 'Send it in several pieces, or another way.',
  },
  ATTACHMENT_TYPE_INVALID: {
    kind: 'user',
    why: 'A media type must have 1 to 128 printable ASCII characters.',
    remedy: 'Leave it out or give one like `image/png`.',
  },
  ATTACHMENT_QUEUE_FULL: {
    kind: 'retry',
    why: 'As many files are waiting to leave as may.',
    remedy: 'Wait until some of them have left, or cancel one; the details say when a next look is worth it.',
  },
  ATTACHMENT_UNKNOWN: {
    kind: 'user',
    why: 'There is no file with this message.',
    remedy: 'List the messages of the contact and try again.',
  },
  ATTACHMENT_INCOMPLETE: {
    kind: 'retry',
    why: 'The file is not here yet.',
    remedy: 'Wait for its state `complete`; one that is `offered` is fetched with `downloadAttachment`.',
  },
  ATTACHMENT_ENDED: {
    kind: 'user',
    why: 'The transfer failed or was cancelled, so the file is not here and will not come.',
    remedy: 'Ask for the file to be sent again.',
  },
  ATTACHMENT_EXPIRED: {
    kind: 'peer',
    why: 'Not all of the file came through within 14 days.',
    remedy: 'Send it again, or a smaller one.',
  },
  ATTACHMENT_DAMAGED: {
    kind: 'peer',
    why: 'What came is not the file that was announced.',
    remedy: 'Ask for the file to be sent again; nothing of what came is kept.',
  },
  ATTACHMENT_LIMIT: {
    kind: 'peer',
    why: 'The contact has announced more files than may wait.',
    remedy: 'Fetch or cancel some of them, then ask for the file to be sent again.',
  },
  MESSAGE_POSITION_INVALID: {
    kind: 'user',
    why: 'The conversation has no message at this position yet.',
    remedy: 'Mark only what was shown.',
  },
  HOST_ENTRY_MALFORMED: {
    kind: 'user',
    why: 'The host entry is damaged: a part is missing or mistyped.',
    remedy: 'Copy the whole `noctule-host:` text again.',
  },
  HOST_ENTRY_FOREIGN: {
    kind: 'user',
    why: 'This is not a host entry of noctule.',
    remedy: 'Ask the host’s operator for the `noctule-host:` text; an invite is accepted with `acceptInvite`.',
  },
  HOST_LIMIT: {
    kind: 'user',
    why: 'As many hosts are known as can be kept.',
    remedy: 'Nothing needs to be done: couriers tell of the others.',
  },
  HOST_ENTRY_VERSION_UNSUPPORTED: {
    kind: 'user',
    why: 'The host entry was made by a newer version of noctule.',
    remedy: 'Update noctule.',
  },
  HOST_ROLE_OFF: {
    kind: 'user',
    why: 'This daemon is not a host.',
    remedy: 'Start it with `noctule daemon --host` where it can stay online.',
  },
  IDEMPOTENCY_CONFLICT: {
    kind: 'user',
    why: 'The idempotency key was used before with another text.',
    remedy: 'Use a new key for a new message.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    kind: 'user',
    why: 'An idempotency key must have 1 to 64 characters.',
    remedy: 'Use a shorter key, for instance a UUID.',
  },
  EVENT_CLIENT_INVALID: {
    kind: 'user',
    why: 'A client name must have 1 to 64 characters, none of them a control character.',
    remedy: 'Choose another name.',
  },
  EVENT_SEQ_INVALID: {
    kind: 'user',
    why: 'There is no event with this number yet.',
    remedy: 'Acknowledge only what was received.',
  },
  MESSENGER_STOPPED: { kind: 'stopping', why: 'The daemon is stopping.', remedy: 'Start it again.' },
  STATE_CORRUPT: {
    kind: 'environment',
    why: 'Stored data does not have the form this version writes.',
    remedy: 'Restore the data directory from a backup; nothing was overwritten.',
  },
} as const satisfies ErrorTable

export type MessengerErrorCode = keyof typeof MESSENGER_ERRORS

export const messengerError = createErrorFactory(MESSENGER_ERRORS)
