/**
 * Which boxes the next read slot asks for, at which replica, and which one it fetches.
 * Never asks one id twice in a slot, nor the replica that it asked last while there is another; never says when a slot is.
 * Holds no clock: time is counted in slots. Spec 03-mailbox §4.6.
 * @module
 */
import { hexEncode } from '../base/index.ts'
import type { Random } from '../ports/index.ts'
import { READ_CHECK_COUNT } from '../wire/index.ts'
import type { WatchOptions } from './api.ts'
import { FETCH_TRY_COUNT, HOT_CHECK_COUNT, HOT_SLOT_COUNT } from './options.ts'

/** One id to ask for, at the replica of this rank, counted by distance from 0. */
export interface Poll {
  readonly boxId: Uint8Array
  readonly rank: number
}

/** What the client itself wants of one read slot; the rest of the record is dummies. */
export interface ReadPlan {
  /** At most `READ_CHECK_COUNT`, all of different ids, in random order. */
  readonly checks: readonly Poll[]
  /** Not among the checks. `isGuess`: fetched unseen, so that boxes are found with and without a check before. */
  readonly fetch: (Poll & { readonly isGuess: boolean }) | undefined
}

/**
 * What may be fetched unseen where nothing was found: an id that comes next, any id, or none. `taken`: the slot's fetch is for
 * something else, and what was found waits.
 */
export type Guessing = 'taken' | 'none' | 'next' | 'any'

export interface Poller {
  /**
   * Looks for this id from the next slot on. `next`: it is the very next one of a chain, worth a guess. Again for a watched
   * id it renews `hot`, sets `next`, and changes nothing else.
   */
  watch(boxId: Uint8Array, options: WatchOptions): void
  unwatch(boxId: Uint8Array): void
  isWatched(boxId: Uint8Array): boolean
  readonly size: number
  /**
   * Whether something was found and goes before all else in the next slot. What failed `FETCH_TRY_COUNT` times does so in every
   * other slot only, so that hosts which lie about hits do not stop files and loops.
   */
  hasFound(): boolean
  /** Whether an id is watched that is expected next. */
  hasNext(): boolean
  /** To be called once for each read slot; `replicas` is how many hosts a box has now, none gives an empty plan. Guesses nothing unless asked to. */
  takeSlot(replicas: number, guessing?: Guessing): ReadPlan
  /** A check said that the replica of this rank has it. A miss and a check without answer need not be told. */
  noteHit(boxId: Uint8Array, rank: number): void
  /**
   * The fetch that a slot gave has ended without the box: nothing came, or not this box. Must be told of every fetch after
   * which the id is still watched. The id waits for another rank, and is checked again after `FETCH_TRY_COUNT` failures
   * in all; from then on one failure is enough, so that hosts which lie about hits cost little.
   */
  noteFetchFailed(boxId: Uint8Array): void
  /** Its answer is late: it is fetched once more, at the same replica, and no failure is counted. */
  noteFetchLate(boxId: Uint8Array): void
  /** Slots within which every id that is watched now is asked for, whatever else is. */
  readonly patienceSlots: number
}

interface WatchedBox {
  readonly boxId: Uint8Array
  hotUntilSlot: number
  isNext: boolean
  /** Ranks still to be asked, last first; made anew in random order when none is left. */
  ranks: number[]
  lastRank: number | undefined
  /** Where the next fetch begins; undefined while it is checked. */
  fetchRank: number | undefined
  /** Over its whole life. */
  failedFetches: number
}

export function createPoller(random: Random): Poller {
  return new RandomPoller(random)
}

class RandomPoller implements Poller {
  private readonly random: Random
  private readonly watched = new Map<string, WatchedBox>()
  /** Found, and no fetch of it on its way; in the order of their finding. */
  private readonly fetchQueue: string[] = []
  /** Keys still to be dealt in this round, last first: each id comes once a round, in company that chance chose. */
  private hotDeck: string[] = []
  private coldDeck: string[] = []
  private guessDeck: string[] = []
  private slot = 0

  constructor(random: Random) {
    this.random = random
  }

  get size(): number {
    return this.watched.size
  }

  watch(boxId: Uint8Array, { hot, next = false }: WatchOptions): void {
    const key = hexEncode(boxId)
    const old = this.watched.get(key)
    const hotUntilSlot = hot ? this.slot + HOT_SLOT_COUNT : 0
    if (old !== undefined) {
      old.isNext = next
      if (hotUntilSlot > old.hotUntilSlot) this.makeHot(key, old)
      return
    }
    this.watched.set(key, {
      boxId,
      hotUntilSlot,
      isNext: next,
      ranks: [],
      lastRank: undefined,
      fetchRank: undefined,
      failedFetches: 0,
    })
    if (hot) this.hotDeck.push(key)
  }

  unwatch(boxId: Uint8Array): void {
    const key = hexEncode(boxId)
    if (!this.watched.delete(key)) return
    this.removeFromQueue(key)
  }

  isWatched(boxId: Uint8Array): boolean {
    return this.watched.has(hexEncode(boxId))
  }

  hasFound(): boolean {
    if (this.slot % 2 === 0) return this.fetchQueue.length > 0
    return this.fetchQueue.some((key) => (this.watched.get(key)?.failedFetches ?? 0) < FETCH_TRY_COUNT)
  }

  hasNext(): boolean {
    return [...this.watched.values()].some((box) => this.isLikely(box))
  }

  takeSlot(replicas: number, guessing: Guessing = 'none'): ReadPlan {
    this.slot += 1
    if (replicas <= 0) return { checks: [], fetch: undefined }
    const fetch = guessing === 'taken' ? undefined : (this.takeFetch(replicas) ?? this.takeGuess(replicas, guessing))
    const guessed = fetch?.isGuess === true ? hexEncode(fetch.boxId) : undefined
    const chosen = new Set<string>()
    this.deal(true, HOT_CHECK_COUNT, chosen, guessed)
    this.deal(false, READ_CHECK_COUNT, chosen, guessed)
    this.deal(true, READ_CHECK_COUNT, chosen, guessed)
    const checks = [...chosen].flatMap((key) => {
      const box = this.watched.get(key)
      return box === undefined ? [] : [{ boxId: box.boxId, rank: this.nextRank(box, replicas) }]
    })
    this.shuffle(checks)
    return { checks, fetch }
  }

  noteHit(boxId: Uint8Array, rank: number): void {
    const key = hexEncode(boxId)
    const box = this.watched.get(key)
    if (box === undefined || box.fetchRank !== undefined) return
    box.fetchRank = rank
    this.fetchQueue.push(key)
  }

  noteFetchFailed(boxId: Uint8Array): void {
    const key = hexEncode(boxId)
    const box = this.watched.get(key)
    if (box?.fetchRank === undefined || this.fetchQueue.includes(key)) return
    box.failedFetches += 1
    if (box.failedFetches < FETCH_TRY_COUNT) {
      box.fetchRank += 1
      this.fetchQueue.push(key)
      return
    }
    box.fetchRank = undefined
    this.makeHot(key, box)
  }

  noteFetchLate(boxId: Uint8Array): void {
    const key = hexEncode(boxId)
    if (this.watched.get(key)?.fetchRank !== undefined && !this.fetchQueue.includes(key)) this.fetchQueue.push(key)
  }

  get patienceSlots(): number {
    return HOT_SLOT_COUNT + 2 * Math.ceil(this.size / (READ_CHECK_COUNT - HOT_CHECK_COUNT)) + 1
  }

  private makeHot(key: string, box: WatchedBox): void {
    if (!this.isHot(box)) this.hotDeck.push(key)
    box.hotUntilSlot = this.slot + HOT_SLOT_COUNT
  }

  private isHot(box: WatchedBox): boolean {
    return box.hotUntilSlot > this.slot
  }

  /** Adds ids of one kind until `count` are chosen, or all that there are. */
  private deal(hot: boolean, count: number, chosen: Set<string>, guessed: string | undefined): void {
    const isWanted = (key: string): boolean => {
      const box = this.watched.get(key)
      if (box === undefined || key === guessed || chosen.has(key)) return false
      return box.fetchRank === undefined && this.isHot(box) === hot
    }
    let deck = hot ? this.hotDeck : this.coldDeck
    let rounds = 0
    while (chosen.size < count) {
      const key = deck.pop()
      if (key !== undefined) {
        if (isWanted(key)) chosen.add(key)
        continue
      }
      // A second deck in one slot holds what the first did not; there is never a third.
      if (rounds > 0) break
      rounds += 1
      deck = [...this.watched.keys()].filter(isWanted)
      this.shuffle(deck)
    }
    if (hot) this.hotDeck = deck
    else this.coldDeck = deck
  }

  private isLikely(box: WatchedBox): boolean {
    return box.isNext && box.fetchRank === undefined && this.isHot(box)
  }

  /** Ids in turn, in an order that chance chose. */
  private takeGuess(replicas: number, guessing: Guessing): ReadPlan['fetch'] {
    const isWanted = (key: string): boolean => {
      const box = this.watched.get(key)
      return box !== undefined && (guessing === 'next' ? this.isLikely(box) : box.fetchRank === undefined)
    }
    if (guessing === 'none') return undefined
    let key = this.guessDeck.pop()
    while (key !== undefined && !isWanted(key)) key = this.guessDeck.pop()
    if (key === undefined) {
      this.guessDeck = [...this.watched.keys()].filter(isWanted)
      this.shuffle(this.guessDeck)
      key = this.guessDeck.pop()
    }
    const box = key === undefined ? undefined : this.watched.get(key)
    return box && { boxId: box.boxId, rank: this.nextRank(box, replicas), isGuess: true }
  }

  private nextRank(box: WatchedBox, replicas: number): number {
    let rank = box.ranks.pop()
    while (rank !== undefined && rank >= replicas) rank = box.ranks.pop()
    if (rank === undefined) {
      box.ranks = Array.from({ length: replicas }, (_, index) => index)
      this.shuffle(box.ranks)
      // The last of the old order must not be the first of the new one.
      if (box.ranks.at(-1) === box.lastRank) box.ranks.reverse()
      rank = box.ranks.pop() ?? 0
    }
    box.lastRank = rank
    return rank
  }

  /** Of those that were found the one that failed least: a lie about one id does not hold up the truth about another. */
  private takeFetch(replicas: number): ReadPlan['fetch'] {
    let chosen: { readonly key: string; readonly box: WatchedBox } | undefined
    for (const key of this.fetchQueue) {
      const box = this.watched.get(key)
      if (box === undefined || (chosen !== undefined && box.failedFetches >= chosen.box.failedFetches)) continue
      chosen = { key, box }
    }
    if (chosen === undefined) return undefined
    const { key, box } = chosen
    this.removeFromQueue(key)
    box.fetchRank = (box.fetchRank ?? 0) % replicas
    return { boxId: box.boxId, rank: box.fetchRank, isGuess: false }
  }

  private removeFromQueue(key: string): void {
    const at = this.fetchQueue.indexOf(key)
    if (at >= 0) this.fetchQueue.splice(at, 1)
  }

  /** Fisher and Yates. */
  private shuffle(values: unknown[]): void {
    for (let last = values.length - 1; last > 0; last -= 1) {
      const other = Math.floor(this.random.uniform() * (last + 1))
      const kept = values[last]
      values[last] = values[other]
      values[other] = kept
    }
  }
}
