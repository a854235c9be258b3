/**
 * Runs every simulation and writes its result beside the earlier one: `node simulations/run.ts [windows] [seed]`.
 * Never counts a result whose control did not fire.
 * @module
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../src/ports/index.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'
import { observe } from './lane-observer.ts'

const WINDOWS_DEFAULT = 4_509
const SEED_DEFAULT = 20_261_121

const windows = Number(process.argv[2] ?? WINDOWS_DEFAULT)
const seed = Number(process.argv[3] ?? SEED_DEFAULT)

/** A stream of its own for each name: what one draws never shifts another. */
function randomFor(stream: string): Random {
  return createSeededRandom(createHash('sha256').update(`${seed}/${stream}`).digest().readInt32BE())
}

const lane = observe({ windows, isFlushing: false, randomFor })
const control = observe({ windows, isFlushing: true, randomFor })
const isSound = control.worst >= 0.6 && lane.worst <= lane.bound
const result = { simulation: 'lane-observer', seed, node: process.versions.node, lane, control, isSound }
writeFileSync(join(import.meta.dirname, 'results', 'lane-observer.json'), `${JSON.stringify(result, undefined, 2)}\n`)
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
process.exitCode = isSound ? 0 : 1
