/**
 * Runs every simulation, or the one that is named, and writes its result beside the earlier one:
 * `node simulations/run.ts [windows] [seed] [records] [name]`. `profile-bytes` and `profile-latency` name those of all profiles.
 * Never counts a result whose control did not fire.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSystemClock } from '../src/daemon/index.ts'
import type { Random } from '../src/ports/index.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'
import { silentLogger } from '../test/support/silent-logger.ts'
import { observeBoxReads } from './box-store-timing.ts'
import { observe } from './lane-observer.ts'
import { measureBytes } from './profile-bytes.ts'
import { measureLatency } from './profile-latency.ts'
import { observeProfiles, observeTwins } from './twin-run.ts'

const WINDOWS_DEFAULT = 4_509
/** More than LevelDB's write buffer holds many times over, and reads whose coin stays well below the bound. */
const BOXES = 100_000
const BOX_READS = 10_000
/** Of each twin. Issue 4. */
const RECORDS_DEFAULT = 1_000_000
/**
 * Messages of each temperature, and the clients among whom they travel: few, so that each runs for long. Days of the count of
 * bytes: as many records of Fast are in three days as of Balanced in nine.
 */
const PROFILES = [
  { profile: 'low', days: 10, messages: 1_000, clients: 20 },
  { profile: 'balanced', days: 10, messages: 1_000, clients: 4 },
  { profile: 'fast', days: 3, messages: 1_000, clients: 4 },
  { profile: 'paranoid', days: 10, messages: 1_000, clients: 4 },
] as const
const LATENCY_HOSTS = 12
const SEED_DEFAULT = 20_261_121

const windows = Number(process.argv[2] ?? WINDOWS_DEFAULT)
const seed = Number(process.argv[3] ?? SEED_DEFAULT)
const records = Number(process.argv[4] ?? RECORDS_DEFAULT)
const only = process.argv[5]

/** A stream of its own for each name: what one draws never shifts another. */
function randomFor(stream: string): Random {
  return createSeededRandom(createHash('sha256').update(`${seed}/${stream}`).digest().readInt32BE())
}

function keep(simulation: string, answer: { readonly isSound: boolean }): void {
  const result = `${JSON.stringify({ simulation, seed, node: process.versions.node, ...answer }, undefined, 2)}\n`
  writeFileSync(join(import.meta.dirname, 'results', `${simulation}.json`), result)
  process.stdout.write(result)
  if (!answer.isSound) process.exitCode = 1
}

/** Of the code that ran; changes that were not committed do not show. */
function commit(): string {
  return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
}

if (only === undefined || only === 'lane-observer') {
  const lane = observe({ windows, isFlushing: false, randomFor })
  const control = observe({ windows, isFlushing: true, randomFor })
  const isSound = control.worst >= 0.6 && lane.worst <= lane.bound
  const laneResult = { lane, control, isSound }
  keep('lane-observer', laneResult)
}

if (only === undefined || only === 'box-store-timing') {
  const boxReads = await observeBoxReads({
    boxes: BOXES,
    reads: BOX_READS,
    clock: createSystemClock(),
    logger: silentLogger,
    randomFor,
  })
  keep('box-store-timing', boxReads)
}

if (only === undefined || only === 'twin-run') {
  const twins = { commit: commit(), ...(await observeTwins({ records, seed })) }
  keep('twin-run', twins)
}

if (only === undefined || only === 'twin-profiles') {
  const profiles = { commit: commit(), ...(await observeProfiles({ records, seed })) }
  keep('twin-profiles', profiles)
}

for (const { profile, days, ...run } of PROFILES) {
  const bytesName = `profile-bytes-${profile}`
  if (bytesName.startsWith(only ?? bytesName)) {
    const bytes = { commit: commit(), ...(await measureBytes({ profile, days, seed })) }
    keep(bytesName, bytes)
  }
  const latencyName = `profile-latency-${profile}`
  if (latencyName.startsWith(only ?? latencyName)) {
    const latency = { commit: commit(), ...(await measureLatency({ ...run, profile, hosts: LATENCY_HOSTS, seed })) }
    keep(latencyName, latency)
  }
}
