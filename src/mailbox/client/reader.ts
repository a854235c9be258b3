/**
 * What read slots carry: checks, a fetch and a tombstone, real ones where there are any, else dummies that look the same.
 * Never fewer or more of them for what is watched, and never believes a box that its key did not sign. Spec 03-mailbox §4.6.
 * @module
 */
import { isForeseen } from '../../base/index.ts'
import { KEY_BYTES, randomBytes } from '../../crypto/index.ts'
import type { Logger, Random } from '../../ports/index.ts'
import { type Box, decodeFetchReply, READ_CHECK_COUNT } from '../../wire/index.ts'
import type { MailboxOwner } from '../api.ts'
import { verifyBox } from '../box-keys.ts'
import type { HostRecord } from '../host-descriptor.ts'
import type { Poll, Poller } from '../poller.ts'
import { replicasOf } from '../receipt.ts'
import type { Suspect } from '../score.ts'
import { openReply, readCheckReply } from '../sealed-request.ts'
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
  prepare(): PreparedRead
}

interface Tombstone {
  readonly boxId: Uint8Array
  readonly signature: Uint8Array
}

export function createReader(deps: ReaderDeps): Reader {
  const { book, loops, owner, poller, random, sealer } = deps
  const tombstones: Tombstone[] = []

  const bury = (boxId: Uint8Array, signature: Uint8Array | undefined): void => {
    if (signature !== undefined && tombstones.length < TOMBSTONE_MAX_COUNT) tombstones.push({ boxId, signature })
  }

  const handOver = async (box: Box): Promise<void> => {
    try {
      const signature = await owner.onBox(box)
      poller.unwatch(box.boxId)
      bury(box.boxId, signature)
    } catch (error: unknown) {
      if (!isForeseen(error)) throw error
      deps.logger.warn('mailbox owner did not take a box', {}, error)
      poller.noteFetchFailed(box.boxId)
    }
  }

  const onBox = (box: Box): void => {
    if (!poller.isWatched(box.boxId)) return
    if (!loops.has(box.boxId)) {
      deps.own(handOver(box))
      return
    }
    bury(box.boxId, loops.noteRead(box))
    poller.unwatch(box.boxId)
  }

  const check = (poll: Poll, isReal: boolean, used: Set<HostRecord>): OutgoingRequest => {
    const { boxId, rank } = poll
    const replyKey = randomBytes(KEY_BYTES)
    const { routed, intermediate } = sealer.seal({ operation: 'check', replyKey, boxId, rank }, boxId, used)
    if (intermediate === undefined) return { routed }
    const expectation: Expectation = {
      onReply(reply) {
        const hit = readCheckReply(replyKey, reply)
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

  const fetchBox = (poll: Poll, isReal: boolean, used: Set<HostRecord>): OutgoingRequest => {
    const { boxId, rank } = poll
    const replyKey = randomBytes(KEY_BYTES)
    const { routed, intermediate } = sealer.seal({ operation: 'fetch', replyKey, boxId, rank }, boxId, used)
    if (intermediate === undefined) return { routed }
    const suspects = (courier: string): readonly Suspect[] => [
      { hostKey: courier, role: 'courier' },
      { hostKey: intermediate, role: 'intermediate' },
    ]
    const expectation: Expectation = {
      onReply(sealed, courier) {
        const opened = openReply(replyKey, sealed)
        if (opened === undefined) return false
        sealer.noteAnswer(intermediate, true)
        const reply = decodeFetchReply(opened)
        const box =
          reply?.found === true ? { boxId, signature: reply.signature, ciphertext: reply.ciphertext } : undefined
        const isGarbage = reply === undefined || (box !== undefined && !verifyBox(box))
        // Sealed with the reply key, so it is the intermediate's own doing. Only what is there can come as garbage, so it does
        // not count as a loss on the way: couriers must not be left for what was written to us.
        if (isGarbage) book.noteProbe([{ hostKey: intermediate, role: 'replica' }], true)
        book.noteProbe(suspects(courier), false)
        if (!isGarbage && box !== undefined) {
          onBox(box)
          return true
        }
        if (isReal) poller.noteFetchFailed(boxId)
        return true
      },
      onLost(reason, courier) {
        if (reason === 'timeout') {
          sealer.noteAnswer(intermediate, false)
          book.noteProbe(suspects(courier), true)
        }
        if (isReal) poller.noteFetchFailed(boxId)
      },
    }
    return { routed, expectation }
  }

  const dummy = (replicas: number): Poll => ({
    boxId: sealer.dummyId(),
    rank: Math.floor(random.uniform() * Math.max(1, replicas)),
  })

  const tombstone = ({ boxId, signature }: Tombstone): OutgoingRequest => ({
    routed: sealer.seal(
      { operation: 'tombstone', replyKey: randomBytes(KEY_BYTES), boxId, signature },
      boxId,
      new Set(),
    ).routed,
  })

  return {
    prepare() {
      loops.tend()
      const replicas = replicasOf(book.table.size)
      const plan = poller.takeSlot(replicas)
      const used = new Set<HostRecord>()
      const real = plan.checks.map((poll) => check(poll, true, used))
      const missing = Array.from({ length: READ_CHECK_COUNT - real.length }, () => dummy(replicas))
      const dummies = missing.map((poll) => check(poll, false, used))
      const fetching = fetchBox(plan.fetch ?? dummy(replicas), plan.fetch !== undefined, used)
      const dead = tombstones.shift()
      const burying = tombstone(dead ?? { boxId: sealer.dummyId(), signature: sealer.dummySignature() })
      return {
        // A courier must not learn from its place whether a check is real.
        take: () => [...shuffled([...real, ...dummies], random), fetching, burying],
        drop() {
          if (plan.fetch !== undefined) poller.noteFetchFailed(plan.fetch.boxId)
          if (dead !== undefined) tombstones.unshift(dead)
        },
      }
    },
  }
}
