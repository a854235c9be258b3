/**
 * A file on its way to the hosts: cut into sealed boxes on disk, announced, written box by box in slots that are free.
 * Never acknowledges a file before every box of it is on disk, nor seals a chunk twice. Spec 10-messenger §8.
 * @module
 */
import { attempt, hexEncode } from '../../base/index.ts'
import { createFileHash, createFileKey, sealChunk, type WriteResult } from '../../mailbox/index.ts'
import type { FileFault, ReadableFile } from '../../ports/index.ts'
import {
  encodeAnnouncement,
  FILE_CHUNK_BYTES,
  FILE_MAX_BYTES,
  fileBucketBytes,
  fileChunkCount,
  isMimeType,
  sanitiseFileName,
} from '../../wire/index.ts'
import type { SentMessage } from '../api.ts'
import { type ContactEntry, type Context, createId } from '../context.ts'
import { assertSendable, findRepeated, queueMessage } from '../conversation.ts'
import { type MessengerErrorCode, messengerError } from '../errors.ts'
import { createBitmap, findClear, hasBit, withBit } from './bitmap.ts'
import {
  changeTransfer,
  emptyTrash,
  inTurn,
  isUnderWay,
  putNewTransfer,
  putTrash,
  readAttachment,
  serve,
  type Transfer,
} from './book.ts'
import { OUTGOING_MAX_BYTES, OUTGOING_MAX_COUNT, ROWS_PER_STEP_COUNT } from './options.ts'
import { ATTACHMENT_TABLE, chunkKey, type TransferRecord } from './records.ts'

export interface SendAttachmentOptions {
  readonly path: string
  readonly name?: string
  readonly mimeType?: string
  readonly idempotencyKey?: string
}

const FAULT_CODES = {
  relative: 'ATTACHMENT_PATH_RELATIVE',
  missing: 'ATTACHMENT_FILE_MISSING',
  irregular: 'ATTACHMENT_FILE_IRREGULAR',
  forbidden: 'ATTACHMENT_FILE_FORBIDDEN',
  exists: 'ATTACHMENT_FILE_EXISTS',
  failed: 'ATTACHMENT_FILE_FAILED',
} as const satisfies Record<FileFault, MessengerErrorCode>

/** The code that says of a file what its port said. */
export function codeOfFault(fault: FileFault): MessengerErrorCode {
  return FAULT_CODES[fault]
}

/**
 * Sends one file after the other, so that memory holds a piece of one only. `assertRunning` throws when the messenger stops
 * meanwhile; what was written by then is deleted at the next start.
 */
export function sendAttachment(
  context: Context,
  entry: ContactEntry,
  options: SendAttachmentOptions,
  assertRunning: () => void,
): Promise<SentMessage> {
  return context.attachments.sending.run(async () => {
    const { files } = context.deps
    const name = sanitiseFileName(options.name ?? files.nameOf(options.path))
    const { mimeType, idempotencyKey } = options
    if (mimeType !== undefined && !isMimeType(mimeType)) throw messengerError('ATTACHMENT_TYPE_INVALID')
    const earlier = await context.journal.inspect(() => findSent(context, entry, idempotencyKey, name))
    if (earlier !== undefined) return earlier
    assertSendable(context, entry)
    const file = await files.openForReading(options.path)
    if (typeof file === 'string') throw messengerError(codeOfFault(file))
    try {
      if (file.bytes > FILE_MAX_BYTES) {
        throw messengerError('ATTACHMENT_TOO_LARGE', { details: { bytes: file.bytes, limit: FILE_MAX_BYTES } })
      }
      assertRoom(context, file.bytes)
      return await sendFile(context, entry, file, { name, mimeType, idempotencyKey }, assertRunning)
    } finally {
      await file.close()
    }
  })
}

/** The result of an earlier call with this key: its file is not read again, only its name compared. */
async function findSent(
  context: Context,
  entry: ContactEntry,
  idempotencyKey: string | undefined,
  name: string,
): Promise<SentMessage | undefined> {
  const { contactId } = entry.record
  const found = await findRepeated(context, entry, idempotencyKey)
  if (found === undefined) return undefined
  const { message, position, sent } = found
  const isSame =
    message.type === 'attachment' && (await readAttachment(context.deps.store, contactId, position)).name === name
  if (!isSame) throw messengerError('IDEMPOTENCY_CONFLICT')
  return sent
}

function assertRoom(context: Context, bytes: number): void {
  const outgoing = inTurn(context, 'sent').map(({ record }) => record)
  const waiting = outgoing.reduce((sum, record) => sum + fileBucketBytes(record.bytes), 0)
  const isFull = outgoing.length >= OUTGOING_MAX_COUNT || waiting + fileBucketBytes(bytes) > OUTGOING_MAX_BYTES
  if (!isFull) return
  const left = outgoing.map((record) => fileChunkCount(record.bytes) - record.chunksDone)
  const retryAfterMs = Math.round(Math.min(...left) * context.mailbox.pace().write.meanMs)
  throw messengerError('ATTACHMENT_QUEUE_FULL', { details: { retryAfterMs } })
}

async function sendFile(
  context: Context,
  entry: ContactEntry,
  file: ReadableFile,
  facts: Pick<TransferRecord, 'name' | 'mimeType'> & { readonly idempotencyKey: string | undefined },
  assertRunning: () => void,
): Promise<SentMessage> {
  const { journal, attachments: book, deps } = context
  const transferId = createId(deps.random)
  const fileKey = createFileKey()
  const rows = fileChunkCount(file.bytes)
  book.preparing.add(transferId)
  let isSent = false
  try {
    await journal.transact((step) => putTrash(context, step, [...book.trash, { transferId, rows }]))
    const hash = await sealChunks(context, file, transferId, fileKey, assertRunning)
    const { name, mimeType, idempotencyKey } = facts
    const sent = await journal.transact(async (step) => {
      const earlier = await findSent(context, entry, idempotencyKey, name)
      if (earlier !== undefined) return earlier
      const session = assertSendable(context, entry)
      const nowMs = deps.clock.nowMs()
      const { bytes } = file
      const message = queueMessage(context, step, entry, session, {
        messageId: createId(deps.random),
        type: 'attachment',
        text: '',
        body: encodeAnnouncement({ fileKey, hash, bytes, name, mimeType }),
        timestampMs: nowMs,
        idempotencyKey,
      })
      const record: TransferRecord = {
        transferId,
        messageId: message.messageId,
        direction: 'sent',
        name,
        mimeType,
        bytes,
        hash,
        state: 'queued',
        failure: undefined,
        createdAtMs: nowMs,
        untilMs: 0,
        wanted: true,
        chunksDone: 0,
        done: createBitmap(rows),
      }
      putNewTransfer(context, step, entry, entry.record.messageCount + 1, record, undefined)
      const left = book.trash.filter((each) => each.transferId !== transferId)
      putTrash(context, step, left)
      return message
    })
    isSent = !sent.repeated
    return sent
  } finally {
    fileKey.fill(0)
    book.preparing.delete(transferId)
    if (!isSent) {
      await attempt(deps.logger, 'rows of a file not deleted', async () => {
        assertRunning()
        await emptyTrash(context)
      })
    }
  }
}

/** Puts every box of the file on disk, a few at a time, and gives the hash of the file. */
async function sealChunks(
  context: Context,
  file: ReadableFile,
  transferId: string,
  fileKey: Uint8Array,
  assertRunning: () => void,
): Promise<Uint8Array> {
  const hash = createFileHash()
  const chunks = fileChunkCount(file.bytes)
  let left = file.bytes
  for (let first = 0; first < chunks; first += ROWS_PER_STEP_COUNT) {
    assertRunning()
    const count = Math.min(ROWS_PER_STEP_COUNT, chunks - first)
    const rows: Uint8Array[] = []
    for (let offset = 0; offset < count; offset += 1) {
      // Read one by one: between them slots that are due have their turn.
      const piece = await readPiece(file, Math.min(left, FILE_CHUNK_BYTES))
      hash.update(piece)
      left -= piece.length
      const bytes = new Uint8Array(FILE_CHUNK_BYTES)
      bytes.set(piece)
      rows.push(sealChunk(fileKey, first + offset, bytes))
    }
    await context.journal.transact((step) => {
      for (const [offset, row] of rows.entries()) {
        step.put(ATTACHMENT_TABLE.chunk, chunkKey(transferId, first + offset), row)
      }
    })
  }
  // Longer than it was when it was opened.
  if ((await readPiece(file, 0, 1)).length > 0) throw messengerError('ATTACHMENT_FILE_CHANGED')
  return hash.finish()
}

async function readPiece(file: ReadableFile, least: number, most = least): Promise<Uint8Array> {
  const piece = most === 0 ? new Uint8Array() : await file.read(most)
  if (piece === 'failed') throw messengerError('ATTACHMENT_FILE_FAILED')
  if (piece.length < least) throw messengerError('ATTACHMENT_FILE_CHANGED')
  return piece
}

/** The next box of a file, when nothing else wants the slot; undefined when there is none. It is marked as handed out. */
export async function nextChunkToWrite(
  context: Context,
  rests: (boxId: string) => boolean,
): Promise<{ readonly transfer: Transfer; readonly index: number; readonly box: Uint8Array } | undefined> {
  for (const transfer of inTurn(context, 'sent')) {
    if (transfer.entry.muted) continue
    const index = findClear(transfer.record.done, fileChunkCount(transfer.record.bytes), 0, (candidate) => {
      const id = transfer.troubled.get(candidate)
      return !transfer.busy.has(candidate) && (id === undefined || !rests(id))
    })
    if (index === undefined) continue
    const row = chunkKey(transfer.record.transferId, index)
    const box = await context.deps.store.get(ATTACHMENT_TABLE.chunk, row)
    // It may have ended meanwhile.
    if (!isUnderWay(context, transfer) || hasBit(transfer.record.done, index)) continue
    if (box === undefined) throw messengerError('STATE_CORRUPT')
    serve(context, transfer, index)
    return { transfer, index, box }
  }
  return undefined
}

/** What became of the write of a chunk: what is not stored waits for another slot. */
export async function noteChunkResult(
  context: Context,
  transfer: Transfer,
  index: number,
  boxId: Uint8Array,
  result: WriteResult,
): Promise<void> {
  if (result.status === 'lost' || result.status === 'full') {
    transfer.troubled.set(index, hexEncode(boxId))
    return
  }
  await context.journal.transact((step) => {
    const { record } = transfer
    if (!isUnderWay(context, transfer) || hasBit(record.done, index)) return
    const chunksDone = record.chunksDone + 1
    // A conflict that is believed: nobody but the receiver has the key, who has read this box and taken it back.
    const untilMs =
      result.status === 'stored' ? Math.min(result.untilMs, record.untilMs || result.untilMs) : record.untilMs
    step.delete(ATTACHMENT_TABLE.chunk, chunkKey(record.transferId, index))
    changeTransfer(context, step, transfer, {
      state: chunksDone === fileChunkCount(record.bytes) ? 'stored' : 'sending',
      untilMs,
      chunksDone,
      done: withBit(record.done, index),
    })
    step.after(() => transfer.troubled.delete(index))
  })
}
