/**
 * What the user decides about files that come and go, and what time decides.
 * Never writes over anything of the user's, nor to a place that the sender named. Spec 10-messenger §8.
 * @module
 */
import { attempt, equalBytes } from '../../base/index.ts'
import { createFileHash } from '../../mailbox/index.ts'
import type { WritableFile } from '../../ports/index.ts'
import type { AttachmentInfo, MessageInfo } from '../api.ts'
import { type ContactEntry, type Context, isLive } from '../context.ts'
import { describeMessage } from '../conversation.ts'
import { messengerError } from '../errors.ts'
import { contactKey } from '../keys.ts'
import { type MessageRecord, POSITION, readRecord } from '../records.ts'
import {
  changeTransfer,
  describeAttachment,
  dropComplete,
  emptyTrash,
  inTurn,
  isUnderWay,
  readAttachment,
  type Transfer,
} from './book.ts'
import { ATTACHMENT_LIFETIME_MS } from './options.ts'
import { admit, checkWhole, readChunks } from './receiving.ts'
import { ATTACHMENT_TABLE, type TransferRecord } from './records.ts'
import { codeOfFault } from './sending.ts'

/** A stored message with what is known of its file now. */
export async function describeStored(
  context: Context,
  contactId: string,
  position: number,
  record: MessageRecord,
): Promise<MessageInfo> {
  const transfer =
    record.type === 'attachment' ? await readAttachment(context.deps.store, contactId, position) : undefined
  return describeMessage(context, contactId, position, record, transfer && describeAttachment(transfer))
}

interface Found {
  readonly position: number
  readonly record: TransferRecord
  /** Undefined when the transfer has ended. */
  readonly transfer: Transfer | undefined
}

async function find(context: Context, entry: ContactEntry, messageId: string): Promise<Found> {
  const { store } = context.deps
  const { contactId } = entry.record
  if (!isLive(context, entry)) throw messengerError('CONTACT_UNKNOWN')
  const position = await readRecord(store, ATTACHMENT_TABLE.position, contactKey(contactId, messageId), POSITION)
  if (position === undefined) throw messengerError('ATTACHMENT_UNKNOWN')
  const transfer = context.attachments.live.get(contactKey(contactId, position))
  return { position, record: await readAttachment(store, contactId, position), transfer }
}

/** Fetches a file that waits for the user. */
export function downloadAttachment(context: Context, entry: ContactEntry, messageId: string): Promise<AttachmentInfo> {
  return context.journal.transact(async (step) => {
    const { record, transfer } = await find(context, entry, messageId)
    if (record.direction === 'sent') throw messengerError('ATTACHMENT_UNKNOWN')
    if (record.state === 'failed' || record.state === 'cancelled') throw messengerError('ATTACHMENT_ENDED')
    if (transfer === undefined || record.wanted) return describeAttachment(record)
    const state = record.state === 'offered' ? admit(context, entry, record.bytes) : record.state
    changeTransfer(context, step, transfer, { state, wanted: true })
    return describeAttachment({ ...record, state })
  })
}

/** Ends a transfer; what it took on disk is deleted when this resolves, or as soon as the disk allows it. */
export async function cancelAttachment(
  context: Context,
  entry: ContactEntry,
  messageId: string,
): Promise<AttachmentInfo> {
  const info = await context.journal.transact(async (step) => {
    const { record, transfer, position } = await find(context, entry, messageId)
    if (transfer !== undefined) {
      changeTransfer(context, step, transfer, { state: 'cancelled' })
      return describeAttachment({ ...record, state: 'cancelled' })
    }
    if (record.state !== 'complete') return describeAttachment(record)
    return describeAttachment(dropComplete(context, step, entry.record.contactId, position, record))
  })
  await attempt(context.deps.logger, 'rows of a file not deleted', () => emptyTrash(context))
  return info
}

/** Writes a file that is complete where the user wants it; compares its hash once more on the way. */
export async function saveAttachment(
  context: Context,
  entry: ContactEntry,
  messageId: string,
  path: string,
): Promise<AttachmentInfo> {
  const { record } = await context.journal.inspect(() => find(context, entry, messageId))
  if (record.direction === 'sent') throw messengerError('ATTACHMENT_UNKNOWN')
  if (record.state === 'failed' || record.state === 'cancelled') throw messengerError('ATTACHMENT_ENDED')
  if (record.state !== 'complete') throw messengerError('ATTACHMENT_INCOMPLETE')
  const file = await context.deps.files.create(path)
  if (typeof file === 'string') throw messengerError(codeOfFault(file))
  let isSaved = false
  try {
    await writeAll(context, record, file)
    const fault = await file.finish()
    if (fault !== undefined) throw messengerError(codeOfFault(fault))
    isSaved = true
  } finally {
    if (!isSaved) await file.discard()
  }
  return describeAttachment(record)
}

async function writeAll(context: Context, record: TransferRecord, file: WritableFile): Promise<void> {
  const hash = createFileHash()
  for await (const piece of readChunks(context, record)) {
    // Cancelled meanwhile, or its contact was removed.
    if (piece === undefined) throw messengerError('ATTACHMENT_ENDED')
    hash.update(piece.bytes)
    if (piece.bytes.length > 0 && !(await file.write(piece.bytes))) throw messengerError('ATTACHMENT_FILE_FAILED')
  }
  if (!equalBytes(hash.finish(), record.hash)) throw messengerError('STATE_CORRUPT')
}

/** Deletes what nothing refers to, ends what took too long, and lets in what waited. Looked at on a clock of its own. */
export async function sweepAttachments(context: Context): Promise<void> {
  const { journal } = context
  await emptyTrash(context)
  for (const transfer of [...inTurn(context, 'sent'), ...inTurn(context, 'received')]) {
    await journal.transact((step) => {
      const { record, entry } = transfer
      if (!isUnderWay(context, transfer)) return
      if (context.steady.nowMs() >= record.createdAtMs + ATTACHMENT_LIFETIME_MS) {
        changeTransfer(context, step, transfer, { state: 'failed', failure: 'ATTACHMENT_EXPIRED' })
      } else if (record.state === 'waiting' && admit(context, entry, record.bytes) === 'downloading') {
        changeTransfer(context, step, transfer, { state: 'downloading' })
      }
    })
    checkWhole(context, transfer)
  }
  await emptyTrash(context)
}
