/**
 * Boxes for ourselves: what an empty write slot writes, and a read slot fetches like any other after a rest.
 * Never kept on disk: what a restart forgets expires at the hosts. Spec 03-mailbox §9, METADATA §4.1.
 * @module
 */
import { hexEncode } from '../../base/index.ts'
import { LOOP_BESIDE_TALK_SLOTS } from '../../padding/index.ts'
import type { Clock, Random } from '../../ports/index.ts'
import { type Box, encodeBoxBody } from '../../wire/index.ts'
import type { BoxKeys } from '../box-keys.ts'
import type { MailboxParameters } from '../options.ts'
import type { Poller } from '../poller.ts'
import type { Suspect } from '../score.ts'
import { CLIENT_FUNCTIONS, type ClientFunctions } from './deps.ts'
import {
  LOOP_HISTORY_COUNT,
  LOOP_MAX_COUNT,
  LOOP_OVERDUE_MAX_COUNT,
  LOOP_PATIENCE_SLOTS,
  LOOP_RESIDENCE,
  LOOP_UNSEEN_SHARE,
} from './options.ts'

interface Loop {
  readonly keys: BoxKeys
  /** Until it is stored: it may have to be written again. */
  box: Box | undefined
  /** Hosts that gave a receipt. */
  suspects: readonly Suspect[]
  /** Monotonic; when it is looked for. Undefined while it is being written, and from then on. */
  dueMs: number | undefined
  /** Read slot until which it is looked for; undefined before. */
  lastSlot: number | undefined
}

/** A loop for a slot: a new one, or one that was lost and leaves again as it was. */
export interface NewLoop {
  readonly box: Box
  /** To be called when it leaves. */
  keep(): void
  /** To be called instead when it does not: a new one is forgotten, a lost one waits for another slot. */
  drop(): void
}

export interface Loops {
  /** One that was lost first: what becomes of a lost box must not show that it was somebody's. */
  create(): NewLoop
  /** The write has ended: hosts that gave receipts, or undefined when it was not stored. */
  noteWritten(boxId: Uint8Array, receipts: readonly string[] | undefined): void
  /** No answer came for the write: the same box is given to a later slot, as the owner's boxes are. */
  noteLost(boxId: Uint8Array): void
  has(boxId: Uint8Array): boolean
  /** It was read: gives the signature of its tombstone; undefined when it does not open. */
  noteRead(box: Box): Uint8Array | undefined
  /**
   * To be called once for each read slot, `isBulk` where it is one of a bulk window. Looks for a loop that is due, and gives up
   * those looked for in vain.
   */
  tend(isBulk: boolean): void
  /** A loop to be fetched without a check before, if one waits; each is given once. */
  nextFetch(): Uint8Array | undefined
  /** The fetch of such a loop has ended without it, or is late: from now on it is checked first. */
  noteFetchMissed(boxId: Uint8Array): void
  /** Share of the last ones that came back; undefined before the first. */
  returnShare(): number | undefined
}

export interface LoopsDeps {
  readonly clock: Clock
  readonly random: Random
  readonly parameters: MailboxParameters
  readonly poller: Poller
  /** Loops in memory; `LOOP_MAX_COUNT` unless given. */
  readonly maxCount?: number
  /** Default: `CLIENT_FUNCTIONS`. */
  readonly functions?: ClientFunctions
  readonly noteProbe: (suspects: readonly Suspect[], lost: boolean) => void
}

/** How long a loop rests; from two numbers of `random`. */
export function loopResidenceMs(random: Random, parameters: MailboxParameters): number {
  let left = random.uniform()
  const part = LOOP_RESIDENCE.find(({ share }) => (left -= share) < 0) ?? LOOP_RESIDENCE[0]
  return (part.fromMs + (part.toMs - part.fromMs) * random.uniform()) / parameters.speed
}

export function createLoops(deps: LoopsDeps): Loops {
  const { clock, functions = CLIENT_FUNCTIONS, parameters, poller, random } = deps
  const loops = new Map<string, Loop>()
  const history: boolean[] = []
  const again: Box[] = []
  /** Of those that are fetched without a check; no fetch of them is on its way. */
  const unseen: string[] = []
  let slot = 0
  /** At the last look. */
  let overdue = 0
  const body = encodeBoxBody({ kind: 'loop' })

  const remember = (returned: boolean): void => {
    history.push(returned)
    if (history.length > LOOP_HISTORY_COUNT) history.shift()
  }

  const end = (key: string, loop: Loop, returned: boolean): void => {
    loops.delete(key)
    remember(returned)
    if (loop.suspects.length > 0) deps.noteProbe(loop.suspects, !returned)
  }

  return {
    create() {
      const old = again.shift()
      if (old !== undefined) return { box: old, keep: () => undefined, drop: () => void again.unshift(old) }
      const keys = functions.createLoopKeys()
      const box = functions.sealBox(keys, body)
      return {
        box,
        drop: () => undefined,
        keep() {
          // Beyond the bounds a loop is written like the others and left to expiry.
          if (loops.size >= (deps.maxCount ?? LOOP_MAX_COUNT) || overdue >= LOOP_OVERDUE_MAX_COUNT) return
          loops.set(hexEncode(keys.boxId), { keys, box, suspects: [], dueMs: undefined, lastSlot: undefined })
        },
      }
    },
    noteWritten(boxId, receipts) {
      const key = hexEncode(boxId)
      const loop = loops.get(key)
      if (loop === undefined) return
      if (receipts === undefined) {
        end(key, loop, false)
        return
      }
      // It is not written again.
      loop.box = undefined
      loop.suspects = receipts.map((hostKey) => ({ hostKey, role: 'replica' }))
      loop.dueMs = clock.monotonicMs() + loopResidenceMs(random, parameters)
    },
    noteLost(boxId) {
      const loop = loops.get(hexEncode(boxId))
      if (loop?.box === undefined) return
      remember(false)
      again.push(loop.box)
    },
    has: (boxId) => loops.has(hexEncode(boxId)),
    noteRead(box) {
      const key = hexEncode(box.boxId)
      const loop = loops.get(key)
      if (loop === undefined || functions.openBox(loop.keys, box) === undefined) return undefined
      end(key, loop, true)
      return functions.signTombstone(loop.keys)
    },
    tend(isBulk) {
      const nowMs = clock.monotonicMs()
      slot += 1
      // One at a time, and none while something waits to be fetched: boxes of others would stand behind a crowd of loops. Beside
      // a conversation only now and then, since each takes the fetch of a slot in which an answer might have come; those of bulk
      // windows are not for answers. Once it is looked for, a loop is treated like any box, so that no host can tell it by how
      // long it waits.
      const isItsTurn = isBulk || !poller.hasNext() || slot % LOOP_BESIDE_TALK_SLOTS === 0
      let hasRoom = isItsTurn && unseen.length === 0 && !poller.hasFound()
      overdue = 0
      for (const [key, loop] of loops) {
        if (loop.dueMs !== undefined && loop.dueMs <= nowMs) {
          overdue += 1
          if (!hasRoom) continue
          hasRoom = false
          loop.dueMs = undefined
          loop.lastSlot = slot + LOOP_PATIENCE_SLOTS
          if (random.uniform() < LOOP_UNSEEN_SHARE) unseen.push(key)
          else poller.watch(loop.keys.boxId, { hot: false })
        } else if (loop.lastSlot !== undefined && loop.lastSlot <= slot) {
          poller.unwatch(loop.keys.boxId)
          end(key, loop, false)
        }
      }
    },
    nextFetch() {
      let key = unseen.shift()
      while (key !== undefined && !loops.has(key)) key = unseen.shift()
      return key === undefined ? undefined : loops.get(key)?.keys.boxId
    },
    noteFetchMissed(boxId) {
      // Else a host that throws boxes away would take slot after slot from answers.
      if (loops.has(hexEncode(boxId))) poller.watch(boxId, { hot: false })
    },
    returnShare: () => (history.length === 0 ? undefined : history.filter(Boolean).length / history.length),
  }
}
