/**
 * Transfers of files as memory and disk have them: what is under way, what is kept, and which rows have to go.
 * Never leaves rows that nothing tells of: each is noted as to be deleted before it is written, until something refers to it.
 * Spec 10-messenger §8.
 * @module
 */
import { createMutex, type Mutex } from '../../base/index.ts'
import type { KeyValueStore } from '../../ports/index.ts'
import { FILE_KEY_BYTES, fileBucketBytes, fileChunkCount } from '../../wire/index.ts'
import type { AttachmentInfo, TransferInfo, TransferState } from '../api.ts'
import { type ContactEntry, type Context, isLive } from '../context.ts'
import { messengerError } from '../errors.ts'
import type { Step } from '../journal.ts'
import { contactKey } from '../keys.ts'
import { getRecord, POSITION, readRecord, SELF } from '../records.ts'
import { PROGRESS_EVENTS_MAX_COUNT, ROWS_PER_STEP_COUNT } from './options.ts'
import {
  ATTACHMENT_TABLE,
  chunkKey,
  TRANSFER,
  TRANSFER_INDEX,
  TRASH,
  type TransferIndex,
  type TransferRecord,
  type Trash,
} from './records.ts'

/** A transfer that is under way; `record` mirrors what is on disk. */
export interface Transfer {
  readonly entry: ContactEntry
  readonly position: number
  record: TransferRecord
  /** Of a file that comes; undefined for one that leaves, whose boxes are sealed. */
  readonly fileKey: Uint8Array | undefined
  /** Chunks that were handed out and of which nothing was heard yet. */
  readonly busy: Set<number>
  /** Chunks whose write failed, with the ids of their boxes. */
  readonly troubled: Map<number, string>
  /** When a slot last carried something of it: a count. */
  servedAt: number
  /** Where chunks that are missing are looked for. */
  readonly search: { next: number; far: number; isFar: boolean; misses: number }
  isVerifying: boolean
}

export interface AttachmentBook {
  /** What is under way, by contact and position. */
  readonly live: Map<string, Transfer>
  /** By contact: what files take that came without being asked for and are kept. */
  readonly keptBytes: Map<string, number>
  trash: Trash
  /** Transfers whose rows are being written: what is noted of them in `trash` is not to be deleted yet. */
  readonly preparing: Set<string>
  /** Chunks that are asked for, by box id. */
  readonly fetches: Map<string, { readonly transfer: Transfer; readonly index: number }>
  /** Files are cut up one after the other. */
  readonly sending: Mutex
  turn: number
}

export function createAttachmentBook(): AttachmentBook {
  return {
    live: new Map(),
    keptBytes: new Map(),
    trash: [],
    preparing: new Set(),
    fetches: new Map(),
    sending: createMutex(),
    turn: 0,
  }
}

/** Reads what is under way, once the contacts are there. @throws {AppError} `STATE_CORRUPT` */
export async function loadAttachments(context: Context): Promise<void> {
  const { store } = context.deps
  const book = context.attachments
  book.trash = (await readRecord(store, ATTACHMENT_TABLE.trash, SELF, TRASH)) ?? []
  for (const [contactId, entry] of context.contacts) {
    const index = await readRecord(store, ATTACHMENT_TABLE.index, contactId, TRANSFER_INDEX)
    if (index === undefined) continue
    book.keptBytes.set(contactId, index.keptBytes)
    for (const position of index.live) {
      const rowKey = contactKey(contactId, position)
      const record = await getRecord(store, ATTACHMENT_TABLE.transfer, rowKey, TRANSFER)
      const fileKey = await store.get(ATTACHMENT_TABLE.key, rowKey)
      const isWhole = record.direction === 'sent' || fileKey?.length === FILE_KEY_BYTES
      if (!isWhole) throw messengerError('STATE_CORRUPT')
      book.live.set(rowKey, createTransfer(entry, position, record, fileKey))
    }
  }
}

function createTransfer(
  entry: ContactEntry,
  position: number,
  record: TransferRecord,
  fileKey: Uint8Array | undefined,
): Transfer {
  return {
    entry,
    position,
    record,
    fileKey,
    busy: new Set(),
    troubled: new Map(),
    servedAt: 0,
    search: { next: 0, far: 0, isFar: false, misses: 0 },
    isVerifying: false,
  }
}

/** False once it has ended, or its contact was removed: steps that were under way must not bring it back. */
export function isUnderWay(context: Context, transfer: Transfer): boolean {
  const { entry, position } = transfer
  const known = context.attachments.live.get(contactKey(entry.record.contactId, position))
  return known === transfer && isLive(context, entry)
}

/** The transfers under way of one direction, whoever a slot served longest ago first. */
export function inTurn(context: Context, direction: TransferRecord['direction']): readonly Transfer[] {
  const all = [...context.attachments.live.values()].filter(({ record }) => record.direction === direction)
  return all.sort((a, b) => a.servedAt - b.servedAt)
}

/** Notes that a slot carries something of it. */
export function serve(context: Context, transfer: Transfer, index: number): void {
  context.attachments.turn += 1
  transfer.servedAt = context.attachments.turn
  transfer.busy.add(index)
}

const LIVE_STATES: ReadonlySet<TransferState> = new Set(['queued', 'sending', 'offered', 'waiting', 'downloading'])

function isLiveState(state: TransferState): boolean {
  return LIVE_STATES.has(state)
}

function describeTransfer(record: TransferRecord): TransferInfo {
  const { state, chunksDone, bytes, untilMs, failure } = record
  const chunks = fileChunkCount(bytes)
  return { state, chunksDone, chunks, untilMs: untilMs === 0 ? undefined : untilMs, failure }
}

export function describeAttachment(record: TransferRecord): AttachmentInfo {
  const { name, mimeType, bytes } = record
  return { name, mimeType, bytes, transfer: describeTransfer(record) }
}

/** What the message at this position brought or took along. @throws {AppError} `STATE_CORRUPT` */
export async function readAttachment(
  store: KeyValueStore,
  contactId: string,
  position: number,
): Promise<TransferRecord> {
  return getRecord(store, ATTACHMENT_TABLE.transfer, contactKey(contactId, position), TRANSFER)
}

/** At most one of these a step and contact. */
function putIndex(context: Context, step: Step, contactId: string, index: TransferIndex): void {
  step.put(ATTACHMENT_TABLE.index, contactId, TRANSFER_INDEX.encode(index))
  step.after(() => context.attachments.keptBytes.set(contactId, index.keptBytes))
}

function livePositions(context: Context, contactId: string): readonly number[] {
  return [...context.attachments.live.values()]
    .filter(({ entry }) => entry.record.contactId === contactId)
    .map(({ position }) => position)
}

/** At most one of these a step. */
export function putTrash(context: Context, step: Step, trash: Trash): void {
  step.put(ATTACHMENT_TABLE.trash, SELF, TRASH.encode(trash))
  step.after(() => {
    context.attachments.trash = trash
  })
}

/** Begins a transfer of the message at this position. At most one a step and contact. */
export function putNewTransfer(
  context: Context,
  step: Step,
  entry: ContactEntry,
  position: number,
  record: TransferRecord,
  fileKey: Uint8Array | undefined,
): void {
  const { contactId } = entry.record
  const rowKey = contactKey(contactId, position)
  step.put(ATTACHMENT_TABLE.transfer, rowKey, TRANSFER.encode(record))
  step.put(ATTACHMENT_TABLE.position, contactKey(contactId, record.messageId), POSITION.encode(position))
  if (!isLiveState(record.state)) return
  if (fileKey !== undefined) step.put(ATTACHMENT_TABLE.key, rowKey, fileKey, { erasable: true })
  const keptBytes = context.attachments.keptBytes.get(contactId) ?? 0
  putIndex(context, step, contactId, { live: [...livePositions(context, contactId), position], keptBytes })
  step.after(() => context.attachments.live.set(rowKey, createTransfer(entry, position, record, fileKey)))
}

/** Changes a transfer that is under way, ends it where that is its new state, and tells of it where it can be seen. */
export function changeTransfer(
  context: Context,
  step: Step,
  transfer: Transfer,
  change: Partial<Pick<TransferRecord, 'state' | 'failure' | 'untilMs' | 'wanted' | 'chunksDone' | 'done'>>,
): void {
  const { entry, position, record: before, fileKey } = transfer
  const { contactId } = entry.record
  const rowKey = contactKey(contactId, position)
  const state = change.state ?? before.state
  const isOver = !isLiveState(state)
  const after: TransferRecord = { ...before, ...change, ...(isOver ? { done: new Uint8Array() } : {}) }
  step.put(ATTACHMENT_TABLE.transfer, rowKey, TRANSFER.encode(after))
  if (isOver) {
    step.delete(ATTACHMENT_TABLE.key, rowKey)
    const isKept = state === 'complete' && !after.wanted
    const keptBytes = (context.attachments.keptBytes.get(contactId) ?? 0) + (isKept ? fileBucketBytes(after.bytes) : 0)
    const live = livePositions(context, contactId).filter((other) => other !== position)
    putIndex(context, step, contactId, { live, keptBytes })
    if (state === 'failed' || state === 'cancelled') discardRows(context, step, after)
  }
  step.after(() => {
    transfer.record = after
    if (!isOver) return
    context.attachments.live.delete(rowKey)
    fileKey?.fill(0)
  })
  if (state !== before.state || hasPassedTenth(before, after)) tell(step, contactId, after)
}

/** Ends a transfer that came and is complete: its bytes are not wanted any more. */
export function dropComplete(
  context: Context,
  step: Step,
  contactId: string,
  position: number,
  record: TransferRecord,
): TransferRecord {
  const after: TransferRecord = { ...record, state: 'cancelled' }
  step.put(ATTACHMENT_TABLE.transfer, contactKey(contactId, position), TRANSFER.encode(after))
  const kept = context.attachments.keptBytes.get(contactId) ?? 0
  const keptBytes = record.wanted ? kept : kept - fileBucketBytes(record.bytes)
  putIndex(context, step, contactId, { live: livePositions(context, contactId), keptBytes })
  discardRows(context, step, record)
  tell(step, contactId, after)
  return after
}

function tell(step: Step, contactId: string, record: TransferRecord): void {
  const { messageId, direction } = record
  step.event({ type: 'attachment', contactId, messageId, direction, ...describeTransfer(record) })
}

function hasPassedTenth(before: TransferRecord, after: TransferRecord): boolean {
  const chunks = fileChunkCount(after.bytes)
  const tenth = (done: number): number => Math.floor((done * PROGRESS_EVENTS_MAX_COUNT) / chunks)
  return tenth(after.chunksDone) > tenth(before.chunksDone)
}

function discardRows(context: Context, step: Step, { transferId, bytes }: TransferRecord): void {
  putTrash(context, step, [...context.attachments.trash, { transferId, rows: fileChunkCount(bytes) }])
}

/** Takes everything of these messages of a contact away, with the contact; its chunks go with {@link emptyTrash}. */
export async function forgetAttachments(
  context: Context,
  step: Step,
  entry: ContactEntry,
  positions: readonly number[],
): Promise<void> {
  const { contactId } = entry.record
  const book = context.attachments
  const trash = [...book.trash]
  for (const position of positions) {
    const record = await readAttachment(context.deps.store, contactId, position)
    step.delete(ATTACHMENT_TABLE.transfer, contactKey(contactId, position))
    step.delete(ATTACHMENT_TABLE.key, contactKey(contactId, position))
    step.delete(ATTACHMENT_TABLE.position, contactKey(contactId, record.messageId))
    const hasRows = record.state === 'complete' || isLiveState(record.state)
    if (hasRows) trash.push({ transferId: record.transferId, rows: fileChunkCount(record.bytes) })
  }
  step.delete(ATTACHMENT_TABLE.index, contactId)
  if (trash.length > book.trash.length) putTrash(context, step, trash)
  step.after(() => {
    book.keptBytes.delete(contactId)
    for (const [rowKey, transfer] of book.live) {
      if (transfer.entry !== entry) continue
      book.live.delete(rowKey)
      transfer.fileKey?.fill(0)
    }
  })
}

/** Deletes the rows that nothing refers to, in bounded batches; what a crash leaves goes the next time. */
export async function emptyTrash(context: Context): Promise<void> {
  const { journal, attachments: book } = context
  for (const { transferId, rows } of book.trash) {
    // Looked at in each step: meanwhile a file that was being cut up may have been sent, and its rows are not trash any more.
    const isTrash = (): boolean =>
      !book.preparing.has(transferId) && book.trash.some((each) => each.transferId === transferId)
    for (let first = 0; first < rows && isTrash(); first += ROWS_PER_STEP_COUNT) {
      const end = Math.min(rows, first + ROWS_PER_STEP_COUNT)
      await journal.transact((step) => {
        if (!isTrash()) return
        for (let row = first; row < end; row += 1) step.delete(ATTACHMENT_TABLE.chunk, chunkKey(transferId, row))
      })
    }
    await journal.transact((step) => {
      if (!isTrash()) return
      const left = book.trash.filter((each) => each.transferId !== transferId)
      putTrash(context, step, left)
    })
  }
}
