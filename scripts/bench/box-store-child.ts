/**
 * Fills a box store, reads from it, and says what that took. Started by box-store.ts with a directory and a number of boxes.
 * Never more than the store and this loop in one process: its memory is the figure.
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DAY_MS, HOUR_MS } from '../../src/base/index.ts'
import type { Clock } from '../../src/ports/index.ts'
import { openBoxStore } from '../../src/store/index.ts'
import { BOX_CIPHERTEXT_BYTES } from '../../src/wire/index.ts'
import { silentLogger } from '../../test/support/silent-logger.ts'

/** Puts that wait side by side, as with the requests of a busy host. */
const SIDE_BY_SIDE = 128
const READS = 20_000

export interface BoxStoreRun {
  readonly writesPerSecond: number
  readonly writesPerCpuSecond: number
  readonly hitsPerSecond: number
  readonly hitsPerCpuSecond: number
  readonly missesPerSecond: number
  readonly missesPerCpuSecond: number
  readonly diskBytesPerBox: number
  readonly rssPeakMb: number
  readonly rssMb: number
  readonly rssAnonymousMb: number
  readonly openMs: number
  readonly expiresPerSecond: number
}

const [directory = '', countText = '0'] = process.argv.slice(2)
const count = Number(countText)
/** Of our own: the daemon's brings the daemon along, and its memory. */
const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: () => Promise.reject(new Error('the box store does not sleep')),
}

function idOf(index: number): Uint8Array {
  return createHash('sha256').update(String(index)).digest()
}

interface Rate {
  readonly perSecond: number
  readonly perCpuSecond: number
}

/** Every core's time counts: LevelDB compacts beside us. */
async function rateOf(operations: number, parallel: number, run: (index: number) => Promise<void>): Promise<Rate> {
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < operations) await run(next++)
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  const { user, system } = process.cpuUsage(cpu)
  return {
    perSecond: (operations * 1_000) / (performance.now() - startMs),
    perCpuSecond: (operations * 1_000_000) / (user + system),
  }
}

function statusMb(field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line?.[1]) / 1024
}

function treeBytes(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

const options = {
  directory,
  quotaBytes: 2 * (count + 1_000) * 2_048,
  clock,
  logger: silentLogger,
}
let store = await openBoxStore(options)
const ciphertext = randomBytes(BOX_CIPHERTEXT_BYTES)
const signature = randomBytes(64)
const nowMs = clock.nowMs()
// As it is on a host: the boxes of a fortnight, so that one hour's are a small part.
const writes = await rateOf(count, SIDE_BY_SIDE, async (index) => {
  const { status } = await store.put(
    { boxId: idOf(index), signature, ciphertext },
    nowMs + ((index % 336) + 1) * HOUR_MS,
  )
  if (status !== 'stored') throw new Error(`a box of the bench was ${status}`)
})
const hits = await rateOf(READS, 4, async () => {
  if (!(await store.has(idOf(Math.floor(Math.random() * count))))) throw new Error('a box is lost')
})
const misses = await rateOf(READS, 4, async () => {
  if (await store.has(randomBytes(32))) throw new Error('a box out of nowhere')
})
await store.close()
const diskBytes = treeBytes(directory)
const openStartMs = performance.now()
store = await openBoxStore(options)
const openMs = performance.now() - openStartMs
const rssMb = statusMb('VmRSS')
const rssAnonymousMb = statusMb('RssAnon')
const expireStartMs = performance.now()
let dropped = 0
for (let more = true; more; ) {
  const slice = await store.expire(nowMs + DAY_MS)
  dropped += slice.dropped
  more = slice.more
}
const expireMs = performance.now() - expireStartMs
const run: BoxStoreRun = {
  writesPerSecond: writes.perSecond,
  writesPerCpuSecond: writes.perCpuSecond,
  hitsPerSecond: hits.perSecond,
  hitsPerCpuSecond: hits.perCpuSecond,
  missesPerSecond: misses.perSecond,
  missesPerCpuSecond: misses.perCpuSecond,
  diskBytesPerBox: diskBytes / count,
  rssPeakMb: statusMb('VmHWM'),
  rssMb,
  rssAnonymousMb,
  openMs,
  expiresPerSecond: (dropped * 1_000) / expireMs,
}
await store.close()
process.stdout.write(`${JSON.stringify(run)}\n`)
