/**
 * What the mailbox client asks of the messenger: the next box to write, and what to do with one that was read.
 * Never answers from the network's side: a box that was read is on disk before its id is given up. Spec 03-mailbox §1.
 * @module
 */
import { equalBytes, hexEncode } from '../base/index.ts'
import {
  deriveBoxKeys,
  inviteBoxSeed,
  keysOf,
  type MailboxOwner,
  noteRead,
  openBox,
  signTombstone,
  type WriteResult,
} from '../mailbox/index.ts'
import { applyAck, LANE_WINDOW_COUNT, noteReceived } from '../padding/index.ts'
import { type Box, type ConversationBody, decodeBox, decodeBoxBody, HANDSHAKE_REQUEST_BYTES } from '../wire/index.ts'
import type { Transfer } from './attachments/book.ts'
import { isChunk, nextChunkToFetch, noteChunkMissed, receiveChunk } from './attachments/receiving.ts'
import { nextChunkToWrite, noteChunkResult } from './attachments/sending.ts'
import { type ContactEntry, type Context, type InviteEntry, isLive } from './context.ts'
import { putSequences } from './conversation.ts'
import { messengerError } from './errors.ts'
import { acknowledge, receiveEnvelope } from './incoming.ts'
import { findInviteBox, noteInviteBoxResult, receiveRequestBox } from './invitations.ts'
import type { Step } from './journal.ts'
import { findPendingBox, hasFreshBox, noteBoxResult, noteBoxSent, packBox, putBoxes } from './outbound-boxes.ts'
import { activate, awaitsAcceptance, noteRequestStored, receiveBundleBox, receiveTakenBox } from './outgoing-request.ts'
import { unwatchBox, watchBox } from './watching.ts'
import { createWriteTrouble } from './write-trouble.ts'

type Writer =
  | { readonly kind: 'invite'; readonly entry: InviteEntry; readonly which: 'bundle' | 'closing' }
  | { readonly kind: 'request'; readonly entry: ContactEntry }
  | { readonly kind: 'conversation'; readonly entry: ContactEntry; readonly number: number }
  | { readonly kind: 'chunk'; readonly transfer: Transfer; readonly index: number }

export function createMailboxOwner(getContext: () => Context): MailboxOwner {
  /** Handed out and not answered yet, by box id. */
  const inFlight = new Map<string, Writer>()
  /** When whose box was handed out last: a count. */
  const served = new WeakMap<ContactEntry | InviteEntry, number>()
  let turn = 0
  const trouble = createWriteTrouble(getContext)

  const idOf = (box: Uint8Array): string => hexEncode(decodeBox(box)?.boxId ?? new Uint8Array())
  const isBusy = (box: Uint8Array): boolean => {
    const id = idOf(box)
    return inFlight.has(id) || trouble.rests(id)
  }
  const handOut = (box: Uint8Array, writer: Writer): Uint8Array => {
    inFlight.set(idOf(box), writer)
    turn += 1
    if (writer.kind !== 'chunk') served.set(writer.entry, turn)
    return box
  }

  const release = (id: string): void => {
    const writer = inFlight.get(id)
    inFlight.delete(id)
    if (writer?.kind === 'chunk') writer.transfer.busy.delete(writer.index)
  }

  const findInvite = (context: Context, entry: InviteEntry): Uint8Array | undefined => {
    const found = findInviteBox(context, entry, isBusy)
    return found && handOut(found.box, { kind: 'invite', entry, which: found.which })
  }

  const findFor = async (context: Context, entry: ContactEntry): Promise<Uint8Array | undefined> => {
    const request = entry.muted || entry.record.state !== 'requesting' ? undefined : entry.outgoing?.requestBox
    if (request !== undefined && !isBusy(request)) return handOut(request, { kind: 'request', entry })
    // What was written before goes first: the reader waits for boxes in their order.
    const found =
      findPendingBox(context, entry, isBusy) ??
      (hasFreshBox(context, entry) ? await packBox(context, entry) : undefined)
    return found && handOut(found.box.box, { kind: 'conversation', entry, number: found.number })
  }

  /** Whoever was served longest ago comes first, so that nobody's long text or lost box keeps the others waiting. */
  const nextWrite = async (): Promise<Uint8Array | undefined> => {
    const context = getContext()
    const sources = [
      ...[...context.invites.values()].map((entry) => ({ entry, find: () => findInvite(context, entry) })),
      ...[...context.contacts.values()].map((entry) => ({ entry, find: () => findFor(context, entry) })),
    ]
    sources.sort((a, b) => (served.get(a.entry) ?? 0) - (served.get(b.entry) ?? 0))
    for (const { find } of sources) {
      const box = await find()
      if (box !== undefined) return box
    }
    const chunk = await nextChunkToWrite(context, trouble.rests)
    return chunk && handOut(chunk.box, { kind: 'chunk', transfer: chunk.transfer, index: chunk.index })
  }

  const settle = async (writer: Writer, boxId: Uint8Array, result: WriteResult): Promise<void> => {
    const context = getContext()
    switch (writer.kind) {
      case 'invite':
        return noteInviteBoxResult(context, writer.entry, writer.which, result)
      case 'conversation':
        return noteBoxResult(context, writer.entry, writer.number, result)
      case 'chunk':
        return noteChunkResult(context, writer.transfer, writer.index, boxId, result)
      case 'request':
        if (result.status === 'stored') return noteRequestStored(context, writer.entry, result)
        // Somebody was first, says an intermediate; the box itself will tell, unless nobody waits for it any more.
        if (result.status !== 'conflict' || !isLive(context, writer.entry)) return
        if (writer.entry.record.state === 'requesting')
          watchBox(context, boxId, { kind: 'taken', entry: writer.entry }, true)
    }
  }

  return {
    nextWrite,
    async onWriteSent(boxId) {
      const writer = inFlight.get(hexEncode(boxId))
      if (writer?.kind === 'conversation') await noteBoxSent(getContext(), writer.entry, writer.number)
    },
    async onWriteResult(boxId, result) {
      const id = hexEncode(boxId)
      const writer = inFlight.get(id)
      if (writer === undefined) return
      try {
        const isDoubtful = writer.kind === 'conversation' || writer.kind === 'chunk'
        await settle(writer, boxId, trouble.judge(id, result, isDoubtful))
      } finally {
        release(id)
      }
    },
    firstLeftMs(boxId) {
      const writer = inFlight.get(hexEncode(boxId))
      switch (writer?.kind) {
        case 'conversation':
          return writer.entry.boxes.get(writer.number)?.firstLeftAtMs || undefined
        case 'chunk':
          // Not before; and a copy that ends with the transfer is as long as it is needed.
          return writer.transfer.record.createdAtMs
        default:
          return undefined
      }
    },
    onWriteDropped(boxId) {
      release(hexEncode(boxId))
      return Promise.resolve()
    },
    onBox: (box) =>
      isChunk(getContext(), box.boxId) ? receiveChunk(getContext(), box) : receiveBox(getContext(), box),
    nextFetch: () => nextChunkToFetch(getContext()),
    onFetchMissed: (boxId) => noteChunkMissed(getContext(), boxId),
  }
}

/** Resolves with the tombstone when what the box says is on disk. */
async function receiveBox(context: Context, box: Box): Promise<Uint8Array | undefined> {
  const watcher = context.watchers.get(hexEncode(box.boxId))
  switch (watcher?.kind) {
    case undefined:
      return undefined
    case 'conversation':
      return receiveConversation(context, watcher.entry, box)
    case 'bundle': {
      const { outgoing } = watcher.entry
      const payload = outgoing === undefined ? undefined : readPayload(outgoing.voucher, 'bundle', box)
      await receiveBundleBox(context, watcher.entry, payload)
      break
    }
    case 'taken': {
      const { outgoing } = watcher.entry
      if (outgoing?.requestBox !== undefined) {
        const isOurs = equalBytes(decodeBox(outgoing.requestBox)?.signature ?? new Uint8Array(), box.signature)
        const payload = readPayload(outgoing.voucher, 'request', box)
        // What is longer than the inviter's closing word is somebody's request.
        const outcome = payload?.length === HANDSHAKE_REQUEST_BYTES ? 'used' : 'revoked'
        // Our own is written again until enough hosts say that they have it: one of them is not enough.
        if (!isOurs) await receiveTakenBox(context, watcher.entry, outcome)
      }
      break
    }
    case 'request': {
      const { secrets } = watcher.entry
      const payload = secrets === undefined ? undefined : readPayload(secrets.voucher, 'request', box)
      if (payload?.length === HANDSHAKE_REQUEST_BYTES) await receiveRequestBox(context, watcher.entry, payload)
      break
    }
  }
  unwatchBox(context, box.boxId)
  // Boxes of an invite stay until they expire: they tell a second acceptor that there was a first.
  return undefined
}

function readPayload(voucher: Uint8Array, which: 'bundle' | 'request', box: Box): Uint8Array | undefined {
  const opened = openBox(deriveBoxKeys(inviteBoxSeed(voucher, which)), box)
  const body = opened === undefined ? undefined : decodeBoxBody(opened)
  return body?.kind === 'payload' ? body.payload : undefined
}

async function receiveConversation(context: Context, entry: ContactEntry, box: Box): Promise<Uint8Array | undefined> {
  const { journal } = context
  const keys = keysOf(entry.sequences, box.boxId)
  if (keys === undefined) {
    unwatchBox(context, box.boxId)
    return undefined
  }
  const tombstone = signTombstone(keys)
  const opened = openBox(keys, box)
  keys.signingSeed.fill(0)
  keys.bodyKey.fill(0)
  const decoded = opened === undefined ? undefined : decodeBoxBody(opened)
  const body = decoded?.kind === 'conversation' ? decoded : undefined
  if (body !== undefined) await receiveBody(context, entry, body)
  await journal.transact((step) => {
    if (!isLive(context, entry)) return
    const read = noteRead(entry.sequences, box.boxId, body?.previousBoxes)
    putSequences(context, step, entry, read.sequences, read.consumed)
  })
  // Taking it back would tell somebody who is blocked that we are here and read.
  return entry.muted ? undefined : tombstone
}

async function receiveBody(context: Context, entry: ContactEntry, body: ConversationBody): Promise<void> {
  const { journal } = context
  const { ackBase, ackBits, envelopes } = body
  const limit = entry.queue.receivedBase + LANE_WINDOW_COUNT
  // The boxes before it have to be read first; it stays where it is until then.
  if (envelopes.some(({ sequence }) => sequence > limit)) throw messengerError('BOX_TOO_EARLY')
  if (applyAck(entry.queue, ackBase, ackBits).acknowledged.length > 0) {
    await journal.transact((step) => acknowledge(context, step, entry, ackBase, ackBits))
  }
  // The box itself is the acceptance; what is in it comes from a contact.
  if (awaitsAcceptance(entry)) await activate(context, entry)
  for (const { sequence, envelope } of envelopes) {
    if (!noteReceived(entry.queue, sequence).fresh) continue
    await journal.transact(async (step) => {
      if (await receiveEnvelope(context, step, entry, sequence, envelope)) oweAck(context, step, entry)
    })
  }
}

/** Something came that no record of a lane acknowledges: a box of ours will, with others if they come before it is due. */
export function oweAck(context: Context, step: Step, entry: ContactEntry): void {
  if (!entry.record.receipts.delivery || entry.muted) return
  if (!entry.mailbox.ackOwed) putBoxes(step, entry, [], undefined, { ackOwed: true })
  step.after(() => scheduleAck(context, entry))
}

/** When an acknowledgement may have a box to itself: between one and three delays from now. METADATA §3.7. */
export function scheduleAck(context: Context, entry: ContactEntry): void {
  const { clock, random, mailbox } = context.deps
  entry.ackDueMs ??= clock.monotonicMs() + mailbox.receiptDelayMs * (1 + 2 * random.uniform())
}
