/**
 * A file that comes: its announcement, its chunks as slots bring them, and the look at the whole.
 * Never shows a file before its hash was compared, nor fetches for somebody who is blocked. Spec 10-messenger §8.
 * @module
 */
import { attempt, equalBytes, hexEncode } from '../../base/index.ts'
import { chunkBoxId, createFileHash, openChunk } from '../../mailbox/index.ts'
import {
  type Box,
  type Content,
  decodeAnnouncement,
  FILE_CHUNK_BYTES,
  fileBucketBytes,
  fileChunkCount,
  sanitiseFileName,
} from '../../wire/index.ts'
import type { AttachmentInfo, TransferState } from '../api.ts'
import { type ContactEntry, type Context, createId } from '../context.ts'
import type { Step } from '../journal.ts'
import { contactKey } from '../keys.ts'
import { POSITION, readRecord } from '../records.ts'
import { createBitmap, findClear, hasBit, withBit } from './bitmap.ts'
import {
  changeTransfer,
  describeAttachment,
  emptyTrash,
  inTurn,
  isUnderWay,
  putNewTransfer,
  serve,
  type Transfer,
} from './book.ts'
import {
  AUTO_DOWNLOAD_MAX_BYTES,
  FETCH_MISSES_MAX_COUNT,
  INCOMING_CONTACT_MAX_BYTES,
  INCOMING_CONTACT_MAX_COUNT,
  INCOMING_MAX_BYTES,
  INCOMING_MAX_COUNT,
  OFFERS_MAX_COUNT,
} from './options.ts'
import { ATTACHMENT_TABLE, chunkKey, type TransferRecord } from './records.ts'

/**
 * What a content of this type announces, with the transfer that begins with it, for the message at this position; undefined
 * when no version would have written it, or when there is a file with this message id already.
 */
export async function receiveAnnouncement(
  context: Context,
  step: Step,
  entry: ContactEntry,
  content: Content,
  position: number,
): Promise<AttachmentInfo | undefined> {
  const { deps } = context
  const announced = decodeAnnouncement(content.body)
  const messageId = hexEncode(content.messageId)
  const key = contactKey(entry.record.contactId, messageId)
  if (announced === undefined) return undefined
  if ((await readRecord(deps.store, ATTACHMENT_TABLE.position, key, POSITION)) !== undefined) return undefined
  const { fileKey, hash, bytes, mimeType } = announced
  const isRefused = ofContact(context, entry).length >= OFFERS_MAX_COUNT
  const state = isRefused ? 'failed' : bytes > AUTO_DOWNLOAD_MAX_BYTES ? 'offered' : admit(context, entry, bytes)
  const record: TransferRecord = {
    transferId: createId(deps.random),
    messageId,
    direction: 'received',
    name: sanitiseFileName(announced.name),
    mimeType,
    bytes,
    hash,
    state,
    failure: isRefused ? 'ATTACHMENT_LIMIT' : undefined,
    createdAtMs: deps.clock.nowMs(),
    untilMs: 0,
    wanted: false,
    chunksDone: 0,
    done: isRefused ? new Uint8Array() : createBitmap(fileChunkCount(bytes)),
  }
  putNewTransfer(context, step, entry, position, record, fileKey)
  return describeAttachment(record)
}

function ofContact(context: Context, entry: ContactEntry): readonly Transfer[] {
  return inTurn(context, 'received').filter((transfer) => transfer.entry === entry)
}

/** Whether there is room for a file of so many bytes, or whether it waits. */
export function admit(context: Context, entry: ContactEntry, bytes: number): TransferState {
  const { keptBytes } = context.attachments
  // Nothing is fetched for somebody who is blocked, so that he takes no place either.
  const isComing = ({ entry: from, record }: Transfer): boolean => record.state === 'downloading' && !from.muted
  const coming = inTurn(context, 'received').filter(isComing)
  const own = coming.filter((transfer) => transfer.entry === entry)
  const sizeOf = (transfers: readonly Transfer[]): number =>
    transfers.reduce((sum, { record }) => sum + fileBucketBytes(record.bytes), fileBucketBytes(bytes))
  const allKept = [...keptBytes.values()].reduce((sum, kept) => sum + kept, 0)
  const hasRoom =
    coming.length < INCOMING_MAX_COUNT &&
    own.length < INCOMING_CONTACT_MAX_COUNT &&
    sizeOf(coming) + allKept <= INCOMING_MAX_BYTES &&
    sizeOf(own) + (keptBytes.get(entry.record.contactId) ?? 0) <= INCOMING_CONTACT_MAX_BYTES
  return hasRoom ? 'downloading' : 'waiting'
}

/** The id of a chunk that is worth a slot; undefined when there is none. It is marked as asked for. */
export function nextChunkToFetch(context: Context): Uint8Array | undefined {
  for (const transfer of inTurn(context, 'received')) {
    const { entry, record, fileKey, search, busy } = transfer
    if (record.state !== 'downloading' || entry.muted || entry.record.state !== 'active') continue
    const chunks = fileChunkCount(record.bytes)
    const index = findClear(record.done, chunks, search.next, (candidate) => !busy.has(candidate))
    if (index === undefined || fileKey === undefined) continue
    search.next = (index + 1) % chunks
    serve(context, transfer, index)
    const boxId = chunkBoxId(fileKey, index)
    context.attachments.fetches.set(hexEncode(boxId), { transfer, index })
    return boxId
  }
  return undefined
}

/** It was not there: after some of these in a row the search goes on elsewhere. */
export function noteChunkMissed(context: Context, boxId: Uint8Array): void {
  const found = takeFetch(context, boxId)
  if (found === undefined) return
  const { search } = found.transfer
  search.misses += 1
  if (search.misses < FETCH_MISSES_MAX_COUNT) return
  search.misses = 0
  if (search.isFar) search.far = search.next
  search.isFar = !search.isFar
  search.next = search.isFar ? search.far : 0
}

function takeFetch(
  context: Context,
  boxId: Uint8Array,
): { readonly transfer: Transfer; readonly index: number } | undefined {
  const { fetches } = context.attachments
  const id = hexEncode(boxId)
  const found = fetches.get(id)
  fetches.delete(id)
  found?.transfer.busy.delete(found.index)
  return found
}

/** True when this box was asked for as a chunk. */
export function isChunk(context: Context, boxId: Uint8Array): boolean {
  return context.attachments.fetches.has(hexEncode(boxId))
}

/** Resolves with the tombstone when the chunk is on disk. */
export async function receiveChunk(context: Context, box: Box): Promise<Uint8Array | undefined> {
  const asked = context.attachments.fetches.get(hexEncode(box.boxId))
  if (asked === undefined) return undefined
  const { transfer, index } = asked
  try {
    const { entry, fileKey } = transfer
    // Somebody who is blocked sees nothing taken, as if we had gone offline.
    if (!isUnderWay(context, transfer) || entry.muted || fileKey === undefined) return undefined
    const { bytes, tombstone } = openChunk(fileKey, index, box)
    await context.journal.transact((step) => putChunk(context, step, transfer, index, bytes))
    checkWhole(context, transfer)
    return tombstone
  } finally {
    takeFetch(context, box.boxId)
  }
}

/** Without bytes, who holds the key put something else in the place of the chunk, so that it will never come. */
function putChunk(
  context: Context,
  step: Step,
  transfer: Transfer,
  index: number,
  bytes: Uint8Array | undefined,
): void {
  const { record, search } = transfer
  if (!isUnderWay(context, transfer) || hasBit(record.done, index)) return
  if (bytes === undefined) {
    changeTransfer(context, step, transfer, { state: 'failed', failure: 'ATTACHMENT_DAMAGED' })
    return
  }
  step.put(ATTACHMENT_TABLE.chunk, chunkKey(record.transferId, index), bytes)
  changeTransfer(context, step, transfer, { chunksDone: record.chunksDone + 1, done: withBit(record.done, index) })
  step.after(() => {
    search.misses = 0
  })
}

/** Compares the hash of a file whose chunks are all there, beside everything else; a failure of the disk is tried again. */
export function checkWhole(context: Context, transfer: Transfer): void {
  const { record } = transfer
  const isAll = record.state === 'downloading' && record.chunksDone === fileChunkCount(record.bytes)
  if (!isAll || transfer.isVerifying || !isUnderWay(context, transfer)) return
  transfer.isVerifying = true
  const { logger } = context.deps
  context.background(
    attempt(logger, 'file not checked', async () => {
      const isRight = await isAnnounced(context, record)
      await context.journal.transact((step) => {
        if (!isUnderWay(context, transfer)) return
        const change = isRight
          ? ({ state: 'complete' } as const)
          : ({ state: 'failed', failure: 'ATTACHMENT_DAMAGED' } as const)
        changeTransfer(context, step, transfer, change)
      })
      if (!isRight) await emptyTrash(context)
    }).then(() => {
      transfer.isVerifying = false
    }),
  )
}

async function isAnnounced(context: Context, record: TransferRecord): Promise<boolean> {
  const hash = createFileHash()
  let isPadded = true
  for await (const piece of readChunks(context, record)) {
    if (piece === undefined) return false
    hash.update(piece.bytes)
    isPadded &&= piece.padding.every((byte) => byte === 0)
  }
  return isPadded && equalBytes(hash.finish(), record.hash)
}

/** The file piece by piece, with what pads the last ones; undefined in the place of a row that is not there. */
export async function* readChunks(
  context: Context,
  record: TransferRecord,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly padding: Uint8Array } | undefined> {
  let left = record.bytes
  for (let index = 0; index < fileChunkCount(record.bytes); index += 1) {
    const row = await context.deps.store.get(ATTACHMENT_TABLE.chunk, chunkKey(record.transferId, index))
    const length = Math.min(left, FILE_CHUNK_BYTES)
    left -= length
    yield row && { bytes: row.subarray(0, length), padding: row.subarray(length) }
  }
}
