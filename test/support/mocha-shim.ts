/**
 * The globals of mocha, on top of node:test, for suites of other projects that are written for it.
 * Never more than those suites use: `describe`, `it`, the four hooks, `this.skip()` and `this.timeout()`.
 * @module
 */
import { after, afterEach, before, beforeEach, describe, it, type TestContext } from 'node:test'

interface MochaContext {
  skip(): never
  timeout(milliseconds: number): void
}

type MochaBody = (this: MochaContext) => unknown

class Skipped extends Error {}

/** The longest that a test of the suites asks for by `this.timeout`, which node:test wants to know before it starts. */
const TIMEOUT_MS = 540_000

function contextOf(skip: () => void): MochaContext {
  return {
    skip() {
      skip()
      throw new Skipped('skipped')
    },
    timeout: () => undefined,
  }
}

/** What has been run through the globals. */
export interface MochaRun {
  /** Tests that ran to their end; skipped ones do not count. */
  passedCount(): number
}

/** Installs the globals; to be called before a suite is. */
export function installMochaGlobals(): MochaRun {
  let passed = 0
  const test = (name: string, body: MochaBody): void => {
    void it(name, { timeout: TIMEOUT_MS }, async (t: TestContext) => {
      try {
        await body.call(contextOf(() => t.skip()))
        passed += 1
      } catch (error: unknown) {
        if (!(error instanceof Skipped)) throw error
      }
    })
  }
  Object.assign(globalThis, {
    describe: (name: string, body: () => void) => void describe(name, body),
    it: test,
    before,
    after,
    beforeEach,
    afterEach,
  })
  return { passedCount: () => passed }
}
