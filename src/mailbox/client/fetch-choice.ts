/**
 * What the one fetch of a read slot is for.
 * Never a fetch more or less for it: where nothing is wanted, a random id is fetched. Spec 03-mailbox §4.6, 02-padding §8.2.
 * @module
 */
import type { Random } from '../../ports/index.ts'
import type { MailboxOwner } from '../api.ts'
import type { Poll, Poller, ReadPlan } from '../poller.ts'
import type { Loops } from './loops.ts'

export interface Fetch {
  readonly poll: Poll
  /** `found`: a check said that it is there. `part`: of a file. `loop`: one that is fetched without a check. */
  readonly kind: 'found' | 'part' | 'loop' | 'guess' | 'dummy'
}

export interface FetchChoiceDeps {
  readonly random: Random
  readonly poller: Poller
  readonly loops: Pick<Loops, 'nextFetch'>
  readonly owner: Pick<MailboxOwner, 'nextFetch'>
  /** An id that nobody has. */
  readonly dummyId: () => Uint8Array
}

export interface FetchChoice {
  readonly fetch: Fetch
  readonly checks: ReadPlan['checks']
}

export function drawRank(random: Random, replicas: number): number {
  return Math.floor(random.uniform() * Math.max(1, replicas))
}

/**
 * To be called once for each read slot. In order: what was found; in a bulk window a part of a file; a loop; the next box of a
 * hot contact; a part of a file; any watched id; a dummy.
 */
export function chooseFetch(deps: FetchChoiceDeps, isBulk: boolean, replicas: number): FetchChoice {
  const { loops, owner, poller, random } = deps
  const take = (kind: 'loop' | 'part', boxId: Uint8Array): FetchChoice => ({
    checks: poller.takeSlot(replicas, 'taken').checks,
    fetch: { poll: { boxId, rank: drawRank(random, replicas) }, kind },
  })
  const guess = (guessing: 'next' | 'any'): FetchChoice => {
    const { checks, fetch } = poller.takeSlot(replicas, guessing)
    if (fetch !== undefined) return { checks, fetch: { poll: fetch, kind: fetch.isGuess ? 'guess' : 'found' } }
    return { checks, fetch: { poll: { boxId: deps.dummyId(), rank: drawRank(random, replicas) }, kind: 'dummy' } }
  }
  if (replicas === 0 || poller.hasFound()) return guess('next')
  const early = isBulk ? owner.nextFetch() : undefined
  if (early !== undefined) return take('part', early)
  const loop = loops.nextFetch()
  if (loop !== undefined) return take('loop', loop)
  if (!isBulk && poller.hasNext()) return guess('next')
  const late = isBulk ? undefined : owner.nextFetch()
  return late === undefined ? guess('any') : take('part', late)
}
