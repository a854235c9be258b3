/**
 * Gathers changes that come side by side into groups, and runs one group or one other piece of work at a time.
 * Never changes the order of the calls. Spec 03-mailbox §5.1.
 * @module
 */
import { InternalError } from '../../base/index.ts'
import { GROUP_MAX_COUNT } from './options.ts'

export interface GroupQueue<Change, Outcome> {
  /** Part of the next group; settles with it. */
  change(change: Change): Promise<Outcome>
  /** Alone, between two groups. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when everything asked for so far has ended. */
  idle(): Promise<void>
}

interface Waiting<Change, Outcome> {
  readonly change: Change
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (reason: unknown) => void
}

/** `commit` gives one outcome for each change, or fails for all of them. */
export function createGroupQueue<Change, Outcome>(
  commit: (changes: readonly Change[]) => Promise<readonly Outcome[]>,
): GroupQueue<Change, Outcome> {
  /** The last group may still grow until it starts. */
  let gathering: Waiting<Change, Outcome>[] | undefined
  let tail: Promise<unknown> = Promise.resolve()

  const commitGroup = async (group: readonly Waiting<Change, Outcome>[]): Promise<void> => {
    try {
      const outcomes = await commit(group.map(({ change }) => change))
      if (outcomes.length !== group.length) throw new InternalError('a group without all its outcomes')
      group.forEach(({ resolve }, at) => resolve(outcomes[at] as Outcome))
    } catch (error: unknown) {
      for (const { reject } of group) reject(error)
    }
  }

  const startGroup = (): Waiting<Change, Outcome>[] => {
    const group: Waiting<Change, Outcome>[] = []
    gathering = group
    tail = tail.then(() => {
      if (gathering === group) gathering = undefined
      return commitGroup(group)
    })
    return group
  }

  return {
    change: (change) =>
      new Promise((resolve, reject) => {
        const group = gathering === undefined || gathering.length >= GROUP_MAX_COUNT ? startGroup() : gathering
        group.push({ change, resolve, reject })
      }),
    run(work) {
      gathering = undefined
      const result = tail.then(work)
      tail = result.catch(() => undefined)
      return result
    },
    async idle() {
      await tail
    },
  }
}
