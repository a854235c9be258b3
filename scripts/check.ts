/**
 * `npm run check`: everything that can be said about the repository without a network.
 * Never changes a file of it.
 * @module
 */
import { dirname } from 'node:path'
import { checkAll } from './check-all.ts'

const { failures, tests } = await checkAll(dirname(import.meta.dirname))
process.stdout.write(`${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped\n`)
if (failures.length > 0) {
  process.stdout.write(`Failed: ${failures.join(', ')}\n`)
  process.exitCode = 1
}
