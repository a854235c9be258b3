/**
 * `npm run soak [rounds]`: kills two daemons during a conversation over Tor, 200 rounds unless told, and prints the count.
 * Never counts as a proof without its control, which runs first and must be noticed.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KillRunOptions, type KillRunResult, runKills } from '../test/support/kill-run.ts'
import { startTornet } from '../test/support/tornet/index.ts'

const ROUNDS_DEFAULT = 200
const CONTROL_ROUNDS = 4
const PAUSE_MS = 8_000

const rounds = Number(process.argv[2] ?? ROUNDS_DEFAULT)
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('Usage: npm run soak [rounds [seed]], with at least one round.\n')
  process.exit(2)
}
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
const tornet = await startTornet({ clients: 0 })

async function run(part: Pick<KillRunOptions, 'kills' | 'control'>): Promise<KillRunResult> {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-soak-'))
  try {
    const report = (line: string): void => void process.stderr.write(`${line}\n`)
    return await runKills({ tornet, directory, seed, pauseMs: PAUSE_MS, report, ...part })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

try {
  const control = await run({ kills: CONTROL_ROUNDS, control: 'forget-session' })
  process.stdout.write(`${JSON.stringify({ part: 'control', seed, ...control })}\n`)
  const result = await run({ kills: rounds })
  process.stdout.write(`${JSON.stringify({ part: 'kills', seed, ...result })}\n`)
  const isSound = result.lost === 0 && result.duplicated === 0 && result.reusedKeys === 0 && result.acknowledged > 0
  if (control.reusedKeys === 0) process.stdout.write('The control was not noticed: this run shows nothing.\n')
  process.exitCode = isSound && control.reusedKeys > 0 ? 0 : 1
} finally {
  await tornet.stop()
}
