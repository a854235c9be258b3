/**
 * `npm run soak:mailbox [messages [seed]]`: 12 hosts, of which 4 are killed and 2 mean ill, and 6 people in pairs that are
 * never online together, over a private Tor network; 500 messages unless told. Prints the counts.
 * Never counts a run in which a pair met.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runMailboxes } from '../test/support/mailbox-run.ts'
import { startTornet } from '../test/support/tornet/index.ts'

const MESSAGES_DEFAULT = 500
/** Slots come twenty times as often as with Balanced; tor is as slow as ever. */
const SPEED = 20

const messages = Number(process.argv[2] ?? MESSAGES_DEFAULT)
if (!Number.isInteger(messages) || messages < 1) {
  process.stderr.write('Usage: npm run soak:mailbox [messages [seed]], with at least one message.\n')
  process.exit(2)
}
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
const tornet = await startTornet({ clients: 0 })
const directory = mkdtempSync(join(tmpdir(), 'noctule-mail-'))
try {
  const result = await runMailboxes({
    tornet,
    directory,
    hosts: 12,
    faults: ['liar', 'garbage'],
    kills: 4,
    pairs: 3,
    messages,
    batch: 21,
    speed: SPEED,
    seed,
    report: (line) => void process.stderr.write(`${line}\n`),
  })
  process.stdout.write(`${JSON.stringify({ part: 'mailboxes', seed, speed: SPEED, ...result })}\n`)
  const isSound = result.lost === 0 && result.duplicated === 0 && result.together === 0 && result.killed === 4
  process.exitCode = isSound && result.acknowledged === messages ? 0 : 1
} finally {
  await tornet.stop()
  rmSync(directory, { recursive: true, force: true })
}
