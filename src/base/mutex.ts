/**
 * Runs asynchronous sections one after the other, in the order they were asked for.
 * Never drops a section: a failed one rejects for its caller and the next one runs.
 * @module
 */

export interface Mutex {
  /** Runs `section` when all earlier ones have ended; passes its result or error through. */
  run<T>(section: () => Promise<T>): Promise<T>
  /** Resolves when everything asked for so far has ended. */
  idle(): Promise<void>
}

export function createMutex(): Mutex {
  let tail: Promise<unknown> = Promise.resolve()
  return {
    run(section) {
      const result = tail.then(section, section)
      tail = result.catch(() => undefined)
      return result
    },
    async idle() {
      await tail
    },
  }
}
