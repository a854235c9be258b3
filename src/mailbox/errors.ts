/**
 * What can go wrong with mailboxes, and what to do about it.
 * Never names a host, a box or an address. HOUSE §4.4, spec 03-mailbox §12.
 * @module
 */
import { createErrorFactory, type ErrorTable } from '../base/index.ts'

export const MAILBOX_ERRORS = {
  MAILBOX_COURIER_FAILED: {
    kind: 'peer',
    why: 'The courier ended the link, kept silent or answered what it was not asked.',
    remedy: 'Try another host, or the same one later.',
  },
  MAILBOX_COURIER_TIMED_OUT: {
    kind: 'retry',
    why: 'The courier could not be reached in time.',
    remedy: 'Nothing; it is dialled again, or another one, at a random time.',
  },
} as const satisfies ErrorTable

export type MailboxErrorCode = keyof typeof MAILBOX_ERRORS

export const mailboxError = createErrorFactory(MAILBOX_ERRORS)
