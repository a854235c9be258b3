/**
 * Which class a client of a capture plays next, so that all classes have as many windows at any time, of each client and of all.
 * Never lets what was played before decide beyond those counts: among equals, chance does.
 * @module
 */
import type { CaptureClass } from '../../simulations/capture/trace.ts'

export interface CaptureDeal {
  /** What this client has least of; of that, what there is least of; `windowsOf` it are counted from now on. */
  next(client: number, windowsOf: (label: CaptureClass) => number): CaptureClass
  /** So many windows were played of so many that were dealt. */
  played(client: number, label: CaptureClass, dealt: number, windows: number): void
  /** Played windows of each class. */
  counts(): Readonly<Record<string, number>>
  /** Played windows of the class that has the fewest. */
  fewest(): number
}

export function createDeal(classes: readonly CaptureClass[], uniform: () => number): CaptureDeal {
  const create = (): Map<CaptureClass, number> => new Map(classes.map((label) => [label, 0]))
  const dealt = create()
  const done = create()
  const byClient = new Map<number, Map<CaptureClass, number>>()
  const ofClient = (client: number): Map<CaptureClass, number> => {
    const own = byClient.get(client) ?? create()
    byClient.set(client, own)
    return own
  }
  const add = (map: Map<CaptureClass, number>, label: CaptureClass, count: number): void =>
    void map.set(label, (map.get(label) ?? 0) + count)
  const least = (labels: readonly CaptureClass[], map: ReadonlyMap<CaptureClass, number>): readonly CaptureClass[] => {
    const fewest = Math.min(...labels.map((label) => map.get(label) ?? 0))
    return labels.filter((label) => map.get(label) === fewest)
  }
  return {
    next(client, windowsOf) {
      const own = ofClient(client)
      const candidates = least(least(classes, own), dealt)
      const label = candidates[Math.floor(uniform() * candidates.length)]
      if (label === undefined) throw new RangeError('there are no classes to deal')
      add(own, label, windowsOf(label))
      add(dealt, label, windowsOf(label))
      return label
    },
    played(client, label, count, windows) {
      add(ofClient(client), label, windows - count)
      add(dealt, label, windows - count)
      add(done, label, windows)
    },
    counts: () => Object.fromEntries(done),
    fewest: () => Math.min(...done.values()),
  }
}
