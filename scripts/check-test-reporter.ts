/**
 * A reporter for node:test that writes down how each test file ended, as one JSON object.
 * Never mentions a file that ran no test: it gives no summary of its own, and that is how such a file is found.
 * @module
 */
import type { TestEvent } from 'node:test/reporters'

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** By absolute path of the test file. */
export type TestCountsByFile = Record<string, TestCounts>

export default async function* countTests(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const found: TestCountsByFile = {}
  for await (const event of source) {
    if (event.type !== 'test:summary' || event.data.file === undefined) continue
    const { passed, tests, skipped, todo } = event.data.counts
    found[event.data.file] = { passed, failed: tests - passed - skipped - todo, skipped: skipped + todo }
  }
  yield JSON.stringify(found)
}
