/**
 * What write slots carry: the box that the owner wants written, else a loop; and what became of it.
 * Never says "stored" without receipts that hold, and never waits for the owner: a slot takes what is there. Spec 03-mailbox §4.4, §5.3.
 * @module
 */
import { hexEncode, isForeseen } from '../../base/index.ts'
import { KEY_BYTES, randomBytes } from '../../crypto/index.ts'
import type { Clock, Logger } from '../../ports/index.ts'
import { type Box, decodeBox, decodeStoreReply, type StoreReply } from '../../wire/index.ts'
import type { MailboxOwner, WriteResult } from '../api.ts'
import { RECEIPT_HOST_COUNT } from '../receipt.ts'
import type { ClientFunctions } from './deps.ts'
import type { HostBook } from './host-book.ts'
import type { Loops } from './loops.ts'
import { FULL_RETRY_MS } from './options.ts'
import type { Expectation, OutgoingRequest } from './pending-requests.ts'
import type { Sealer } from './sealer.ts'

export interface WriterDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly owner: MailboxOwner
  readonly functions: ClientFunctions
  readonly book: HostBook
  readonly sealer: Sealer
  readonly loops: Loops
  /** Whether the table holds about all hosts that couriers speak of; until then receipts of strangers are no lie. */
  readonly isTableWhole: () => boolean
  /** Owns what is told to the owner, in order. */
  readonly tell: (task: () => Promise<void>) => void
}

export interface PreparedWrite {
  /** To be called in the slot: the owner's box if it is there by now, else the loop. */
  take(): { readonly request: OutgoingRequest; readonly onSent: () => void }
  /** To be called instead when the slot has no courier. */
  drop(): void
}

export interface Writer {
  /** Makes a loop at once and asks the owner for something better. */
  prepare(): PreparedWrite
}

interface Outcome {
  readonly result: WriteResult
  /** Hexadecimal keys of hosts whose receipts held. */
  readonly receipts: readonly string[]
}

export function createWriter(deps: WriterDeps): Writer {
  const { book, clock, functions, loops, owner, sealer } = deps
  const nothing = (): void => undefined

  const judge = (box: Box, reply: StoreReply, firstLeftMs?: number): Outcome => {
    const { table } = book
    const count = functions.countReceipts({
      box,
      receipts: reply.receipts,
      closest: table.closest(box.boxId, RECEIPT_HOST_COUNT),
      hostCount: table.size,
      nowMs: clock.nowMs(),
      firstLeftMs,
    })
    const { replicas, wanted, stored, untilMs } = count
    const receipts = count.hosts.map(({ descriptor }) => hexEncode(descriptor.hostKey))
    if (stored && untilMs !== undefined) return { result: { status: 'stored', replicas, wanted, untilMs }, receipts }
    if (reply.status === 'conflict') return { result: { status: 'conflict' }, receipts }
    if (reply.status === 'full') return { result: { status: 'full', retryAfterMs: FULL_RETRY_MS }, receipts }
    return { result: { status: 'lost' }, receipts }
  }

  const request = (
    box: Box,
    onEnd: (outcome: Outcome) => void,
    firstLeftMs: () => number | undefined = () => undefined,
  ): OutgoingRequest => {
    const replyKey = randomBytes(KEY_BYTES)
    const { routed, intermediate } = sealer.seal({ operation: 'store', replyKey, box }, box.boxId, new Set())
    if (intermediate === undefined) return { routed }
    const probe = (courier: string, lost: boolean): void =>
      book.noteProbe(
        [
          { hostKey: courier, role: 'courier' },
          { hostKey: intermediate, role: 'intermediate' },
        ],
        lost,
      )
    const expectation: Expectation = {
      onReply(sealed, courier) {
        const opened = functions.openReply(replyKey, sealed)
        if (opened === undefined) return false
        sealer.noteAnswer(intermediate, true)
        const reply = decodeStoreReply(opened)
        const outcome: Outcome =
          reply === undefined ? { result: { status: 'lost' }, receipts: [] } : judge(box, reply, firstLeftMs())
        const isLie = reply?.status === 'stored' && outcome.receipts.length === 0 && deps.isTableWhole()
        // Sealed with the reply key, so it is the intermediate's own doing.
        if (reply === undefined || isLie) book.noteProbe([{ hostKey: intermediate, role: 'intermediate' }], true)
        else probe(courier, false)
        onEnd(outcome)
        return true
      },
      onLost(reason, courier) {
        if (reason === 'timeout') {
          sealer.noteAnswer(intermediate, false)
          probe(courier, true)
        }
        onEnd({ result: { status: 'lost' }, receipts: [] })
      },
    }
    return { routed, expectation }
  }

  const loopRequest = (box: Box): OutgoingRequest =>
    request(box, ({ result, receipts }) => {
      if (result.status === 'lost') loops.noteLost(box.boxId)
      else loops.noteWritten(box.boxId, result.status === 'stored' ? receipts : undefined)
    })

  const ownRequest = (box: Box): OutgoingRequest => {
    return request(
      box,
      ({ result }) => deps.tell(() => owner.onWriteResult(box.boxId, result)),
      () => owner.firstLeftMs?.(box.boxId),
    )
  }

  const ask = async (): Promise<Box | undefined> => {
    const bytes = await owner.nextWrite()
    const box = bytes && decodeBox(bytes)
    if (bytes !== undefined && box === undefined) throw new RangeError('what the owner writes is no box')
    return box
  }

  return {
    prepare() {
      const loop = loops.create()
      const spare = loopRequest(loop.box)
      let own: { readonly box: Box; readonly request: OutgoingRequest } | undefined
      let isTaken = false
      if (book.table.size > 0) {
        deps.tell(async () => {
          try {
            const box = await ask()
            if (box === undefined) return
            const sealed = isTaken ? undefined : ownRequest(box)
            // Too late for the slot, or nobody to seal it to.
            if (sealed?.expectation === undefined) await owner.onWriteDropped(box.boxId)
            else own = { box, request: sealed }
          } catch (error: unknown) {
            if (!isForeseen(error)) throw error
            deps.logger.warn('mailbox owner gave no write', {}, error)
          }
        })
      }
      return {
        take() {
          isTaken = true
          if (own === undefined) {
            if (spare.expectation !== undefined) loop.keep()
            else loop.drop()
            return { request: spare, onSent: nothing }
          }
          loop.drop()
          const { box } = own
          return { request: own.request, onSent: () => deps.tell(() => owner.onWriteSent(box.boxId)) }
        },
        drop() {
          isTaken = true
          loop.drop()
          const boxId = own?.box.boxId
          if (boxId !== undefined) deps.tell(() => owner.onWriteDropped(boxId))
        },
      }
    },
  }
}
