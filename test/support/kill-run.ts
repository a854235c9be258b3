/**
 * Kills two daemons again and again in the middle of a conversation, and counts what that did.
 * Never asks a daemon whether all is well: it compares what `send` acknowledged with what the other side shows, and reads
 * the witness's record of ratchet keys.
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPublishedInvite, type DaemonProcess, NETWORK_LIMIT_MS, startDaemon, waitFor } from './daemon-process.ts'
import { createSeededRandom } from './seeded-random.ts'
import type { Tornet } from './tornet/index.ts'

const AUDITED = fileURLToPath(new URL('./audited-daemon.ts', import.meta.url))
const SETTLE_LIMIT_MS = 900_000

export interface KillRunOptions {
  readonly tornet: Tornet
  readonly directory: string
  /** How often both daemons are killed, each at a moment of its own. */
  readonly kills: number
  readonly seed: number
  /** Longest time between two rounds of kills; the actual one is uniform below it. */
  readonly pauseMs: number
  /** Breaks the daemon on purpose, to show that the run would notice. */
  readonly control?: 'forget-session'
  readonly report?: (line: string) => void
}

export interface KillRunResult {
  readonly kills: number
  /** Messages that `send` acknowledged. */
  readonly acknowledged: number
  readonly lost: number
  readonly duplicated: number
  /** Ratchet keys that sealed anything. */
  readonly keys: number
  /** Ratchet keys under which two different envelopes left. */
  readonly reusedKeys: number
  /** Envelope records handed to a link, repetitions included. */
  readonly departures: number
  readonly elapsedMs: number
}

interface Side {
  readonly name: string
  readonly directory: string
  readonly tor: Readonly<Record<string, unknown>>
  daemon: DaemonProcess | undefined
  contact: string
  readonly acknowledged: string[]
}

export async function runKills(options: KillRunOptions): Promise<KillRunResult> {
  const { tornet } = options
  const random = createSeededRandom(options.seed)
  const startedMs = performance.now()
  const pause = (limitMs: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, random.uniform() * limitMs))

  const createSide = async (name: string): Promise<Side> => {
    const client = await tornet.addClient()
    const tor = { mode: 'attach', control: client.controlPath, socks: client.socksPath }
    return { name, directory: join(options.directory, name), tor, daemon: undefined, contact: '', acknowledged: [] }
  }
  const boot = async (side: Side): Promise<void> => {
    side.daemon = await startDaemon({
      directory: side.directory,
      tor: side.tor,
      main: AUDITED,
      environment: {
        AUDIT_FILE: join(options.directory, `${side.name}.audit`),
        ...(options.control === undefined ? {} : { AUDIT_CONTROL: options.control }),
      },
    })
  }
  const [alice, bob] = await Promise.all([createSide('alice'), createSide('bob')])
  const sides = [alice, bob]
  const count = (): ReturnType<typeof countKeys> =>
    countKeys(sides.map(({ name }) => join(options.directory, `${name}.audit`)))
  /** What is broken on purpose shows only when something left before a kill and something after it: no kill comes too soon. */
  const untilSomethingLeft = async (): Promise<void> => {
    const { departures } = count()
    await waitFor('an envelope to leave', NETWORK_LIMIT_MS, async () => count().departures > departures || undefined)
  }
  let isWriting = true
  try {
    await Promise.all(sides.map(boot))
    await pair(alice, bob)
    const writers = [writeMessages(alice, () => isWriting, pause), writeMessages(bob, () => isWriting, pause)]
    for (let kill = 1; kill <= options.kills; kill += 1) {
      if (options.control !== undefined) await untilSomethingLeft()
      await pause(options.pauseMs)
      await Promise.all(
        sides.map(async (side) => {
          await pause(options.pauseMs / 4)
          const victim = side.daemon
          side.daemon = undefined
          await victim?.kill()
          await boot(side)
        }),
      )
      if (kill % 10 === 0) options.report?.(`${kill} of ${options.kills} rounds of kills`)
    }
    if (options.control !== undefined) await untilSomethingLeft()
    isWriting = false
    await Promise.all(writers)
    const received = await settle(alice, bob, options.control === undefined ? SETTLE_LIMIT_MS : 30_000)
    const sent = [...alice.acknowledged, ...bob.acknowledged]
    return {
      kills: options.kills,
      acknowledged: sent.length,
      lost: sent.filter((text) => !received.includes(text)).length,
      duplicated: received.length - new Set(received).size,
      ...count(),
      elapsedMs: performance.now() - startedMs,
    }
  } finally {
    isWriting = false
    await Promise.all(sides.flatMap(({ daemon }) => (daemon === undefined ? [] : [daemon.kill()])))
  }
}

async function pair(alice: Side, bob: Side): Promise<void> {
  const [first, second] = [alive(alice), alive(bob)]
  const uri = await createPublishedInvite(second)
  alice.contact = (await first.rpc.call('acceptInvite', { uri })).contactId
  const request = await waitFor(
    'the request',
    SETTLE_LIMIT_MS,
    async () => (await second.rpc.call('listRequests', {}))[0],
  )
  bob.contact = (await second.rpc.call('acceptRequest', { requestId: request.requestId })).contactId
  await waitFor('the lane', SETTLE_LIMIT_MS, async () => {
    const contacts = await first.rpc.call('listContacts', {})
    return contacts[0]?.state === 'active' ? true : undefined
  })
}

function alive(side: Side): DaemonProcess {
  if (side.daemon === undefined) throw new Error('the daemon is not running')
  return side.daemon
}

/** Sends numbered messages; one that was not acknowledged because of a kill is sent again under its idempotency key. */
async function writeMessages(
  side: Side,
  goesOn: () => boolean,
  pause: (limitMs: number) => Promise<void>,
): Promise<void> {
  for (let number = 1; goesOn(); number += 1) {
    const text = `${side.name} ${number}`
    for (;;) {
      try {
        const call = side.daemon?.rpc.call('send', { recipient: side.contact, message: text, idempotencyKey: text })
        if (call !== undefined && (await call) !== undefined) break
      } catch (error: unknown) {
        if (!isConnectionLost(error)) throw error
      }
      await pause(100)
    }
    side.acknowledged.push(text)
    // A lane carries one record a second: slower than that on the average, or the outbox only grows.
    await pause(5_000)
  }
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'RPC_CONNECTION_LOST'
}

/** All texts that either side received, once everything acknowledged has arrived or nothing more can. */
async function settle(alice: Side, bob: Side, limitMs: number): Promise<readonly string[]> {
  const read = async (side: Side): Promise<readonly string[]> => {
    const texts: string[] = []
    for (let before: number | undefined; ; ) {
      const page = await alive(side).rpc.call('listMessages', {
        recipient: side.contact,
        limit: 500,
        ...(before === undefined ? {} : { before }),
      })
      texts.push(...page.messages.filter(({ direction }) => direction === 'received').map(({ text }) => text))
      const first = page.messages[0]?.position
      if (!page.hasMore || first === undefined) return texts
      before = first
    }
  }
  const all = async (): Promise<readonly string[]> => [...(await read(alice)), ...(await read(bob))]
  const sent = [...alice.acknowledged, ...bob.acknowledged]
  try {
    await waitFor('every acknowledged message', limitMs, async () => {
      const received = new Set(await all())
      return sent.every((text) => received.has(text)) ? true : undefined
    })
  } catch {
    // What is missing is counted by the caller.
  }
  return all()
}

/** Reads the witnesses: which keys sealed what, and which of it left. */
function countKeys(paths: readonly string[]): Pick<KillRunResult, 'keys' | 'reusedKeys' | 'departures'> {
  const envelopesOfKey = new Map<string, Set<string>>()
  const left = new Set<string>()
  let departures = 0
  for (const path of paths) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const [kind, first, second] = line.split(' ')
      if (kind === 'leave' && first !== undefined) {
        departures += 1
        left.add(first)
      }
      if (kind !== 'seal' || first === undefined || second === undefined) continue
      const envelopes = envelopesOfKey.get(first) ?? new Set()
      envelopesOfKey.set(first, envelopes.add(second))
    }
  }
  // A seal that was never stored and never left has told nobody anything; its key may serve again after the crash.
  const reusedKeys = [...envelopesOfKey.values()].filter(
    (envelopes) => [...envelopes].filter((hash) => left.has(hash)).length > 1,
  )
  return { keys: envelopesOfKey.size, reusedKeys: reusedKeys.length, departures }
}
