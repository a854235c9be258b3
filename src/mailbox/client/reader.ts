/**
 * What read slots carry: checks, a fetch and a tombstone, real ones where there are any, else dummies that look the same.
 * Never fewer or more of them for what is watched, and never believes a box that its key did not sign. Spec 03-mailbox §4.6.
 * @module
 */
import { hexEncode, isForeseen } from '../../base/index.ts'
import { KEY_BYTES, randomBytes } from '../../crypto/index.ts'
import type { Logger, Random } from '../../ports/index.ts'
import { type Box, decodeFetchReply, READ_CHECK_COUNT } from '../../wire/index.ts'
import type { MailboxOwner } from '../api.ts'
import type { HostRecord } from '../host-descriptor.ts'
import type { Poll, Poller } from '../poller.ts'
import { replicasOf } from '../receipt.ts'
import type { Suspect } from '../score.ts'
import type { ClientFunctions } from './deps.ts'
import { chooseFetch, drawRank, type Fetch } from './fetch-choice.ts'
import type { HostBook } from './host-book.ts'
import type { Loops } from './loops.ts'
import { TOMBSTONE_MAX_COUNT } from './options.ts'
import type { Expectation, OutgoingRequest } from './pending-requests.ts'
import type { Sealer } from './sealer.ts'
import { shuffled } from './shuffled.ts'

export interface ReaderDeps {
  readonly logger: Logger
  readonly random: Random
  readonly owner: MailboxOwner
  readonly functions: ClientFunctions
  readonly book: HostBook
  readonly sealer: Sealer
  readonly loops: Loops
  readonly poller: Poller
  /** Owns what goes on after a box came. */
  readonly own: (task: Promise<void>) => void
}

export interface PreparedRead {
  /** To be called in the slot: exactly `READ_REQUEST_COUNT` requests. */
  take(): readonly OutgoingRequest[]
  /** To be called instead when the slot has no courier: what was planned is planned again. */
  drop(): void
}

export interface Reader {
  /** `isBulk`: a slot of a bulk window, where parts of files come first. */
  prepare(isBulk: boolean): PreparedRead
}

interface Tombstone {
  readonly boxId: Uint8Array
  readonly signature: Uint8Array
}

export function createReader(deps: ReaderDeps): Reader {
  const { book, functions, loops, owner, poller, random, sealer } = deps
  const tombstones: Tombstone[] = []
  /** Ids of boxes that the owner is at: two fetches of one may be under way. */
  const inHand = new Set<string>()

  const bury = (boxId: Uint8Array, signature: Uint8Array | undefined): void => {
    if (signature !== undefined && tombstones.length < TOMBSTONE_MAX_COUNT) tombstones.push({ boxId, signature })
  }

  const handOver = async (box: Box): Promise<void> => {
    const id = hexEncode(box.boxId)
    if (inHand.has(id)) return
    inHand.add(id)
    try {
      const signature = await owner.onBox(box)
      poller.unwatch(box.boxId)
      bury(box.boxId, signature)
    } catch (error: unknown) {
      if (!isForeseen(error)) throw error
      deps.logger.warn('mailbox owner did not take a box', {}, error)
      poller.noteFetchFailed(box.boxId)
    } finally {
      inHand.delete(id)
    }
  }

  const takePart = async (box: Box): Promise<void> => {
    try {
      bury(box.boxId, await owner.onBox(box))
    } catch (error: unknown) {
      if (!isForeseen(error)) throw error
      deps.logger.warn('mailbox owner did not take a box', {}, error)
      owner.onFetchMissed(box.boxId)
    }
  }

  /** A guess that is not there is no failure. */
  const noteMissed = ({ kind, poll }: Fetch): void => {
    if (kind === 'found') poller.noteFetchFailed(poll.boxId)
    else if (kind === 'part') owner.onFetchMissed(poll.boxId)
    else if (kind === 'loop') loops.noteFetchMissed(poll.boxId)
  }

  const onBox = (box: Box, kind: Fetch['kind']): void => {
    if (kind === 'part') {
      deps.own(takePart(box))
      return
    }
    if (loops.has(box.boxId)) {
      bury(box.boxId, loops.noteRead(box))
      poller.unwatch(box.boxId)
      return
    }
    if (poller.isWatched(box.boxId)) deps.own(handOver(box))
  }

  const check = (poll: Poll, isReal: boolean, used: Set<HostRecord>): OutgoingRequest => {
    const { boxId, rank } = poll
    const replyKey = randomBytes(KEY_BYTES)
    const { routed, intermediate } = sealer.seal({ operation: 'check', replyKey, boxId, rank }, boxId, used)
    if (intermediate === undefined) return { routed }
    const expectation: Expectation = {
      onReply(reply) {
        const hit = functions.readCheckReply(replyKey, reply)
        if (hit === undefined) return false
        sealer.noteAnswer(intermediate, true)
        if (isReal && hit) poller.noteHit(boxId, rank)
        return true
      },
      onLost(reason) {
        if (reason === 'timeout') sealer.noteAnswer(intermediate, false)
      },
    }
    return { routed, expectation }
  }

  const fetchBox = ({ poll, kind }: Fetch, used: Set<HostRecord>): OutgoingRequest => {
    const { boxId, rank } = poll
    const missed = (): void => noteMissed({ poll, kind })
    const replyKey = randomBytes(KEY_BYTES)
    const { routed, intermediate } = sealer.seal({ operation: 'fetch', replyKey, boxId, rank }, boxId, used)
    if (intermediate === undefined) {
      missed()
      return { routed }
    }
    const suspects = (courier: string): readonly Suspect[] => [
      { hostKey: courier, role: 'courier' },
      { hostKey: intermediate, role: 'intermediate' },
    ]
    const expectation: Expectation = {
      onReply(sealed, courier) {
        const opened = functions.openReply(replyKey, sealed)
        if (opened === undefined) return false
        sealer.noteAnswer(intermediate, true)
        const reply = decodeFetchReply(opened)
        const box =
          reply?.found === true ? { boxId, signature: reply.signature, ciphertext: reply.ciphertext } : undefined
        const isGarbage = reply === undefined || (box !== undefined && !functions.verifyBox(box))
        // Sealed with the reply key, so it is the intermediate's own doing. Only what is there can come as garbage, so it does
        // not count as a loss on the way: couriers must not be left for what was written to us.
        if (isGarbage) book.noteProbe([{ hostKey: intermediate, role: 'replica' }], true)
        book.noteProbe(suspects(courier), false)
        if (!isGarbage && box !== undefined) {
          onBox(box, kind)
          return true
        }
        missed()
        return true
      },
      onLate() {
        // What comes late comes after minutes where slots are rare; a fetch of the next slot brings it sooner.
        if (kind === 'found') poller.noteFetchLate(boxId)
        else if (kind === 'loop') loops.noteFetchMissed(boxId)
      },
      onLost(reason, courier) {
        if (reason === 'timeout') {
          sealer.noteAnswer(intermediate, false)
          book.noteProbe(suspects(courier), true)
        }
        missed()
      },
    }
    return { routed, expectation }
  }

  const tombstone = ({ boxId, signature }: Tombstone): OutgoingRequest => ({
    routed: sealer.seal(
      { operation: 'tombstone', replyKey: randomBytes(KEY_BYTES), boxId, signature },
      boxId,
      new Set(),
    ).routed,
  })

  return {
    prepare(isBulk) {
      const replicas = replicasOf(book.table.size)
      const { checks, fetch } = chooseFetch({ ...deps, dummyId: () => sealer.dummyId() }, isBulk, replicas)
      // After the choice: what this slot fetches waits no more.
      loops.tend(isBulk)
      const used = new Set<HostRecord>()
      const real = checks.map((poll) => check(poll, true, used))
      const missing = Array.from({ length: READ_CHECK_COUNT - real.length }, () => ({
        boxId: sealer.dummyId(),
        rank: drawRank(random, replicas),
      }))
      const dummies = missing.map((poll) => check(poll, false, used))
      const fetching = fetchBox(fetch, used)
      const dead = tombstones.shift()
      const burying = tombstone(dead ?? { boxId: sealer.dummyId(), signature: sealer.dummySignature() })
      return {
        // A courier must not learn from its place whether a check is real.
        take: () => [...shuffled([...real, ...dummies], random), fetching, burying],
        drop() {
          noteMissed(fetch)
          if (dead !== undefined) tombstones.unshift(dead)
        },
      }
    },
  }
}
