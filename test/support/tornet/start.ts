/**
 * Starts a private Tor network: one authority, relays, clients, in about ten seconds.
 * Never lets the authority vote before it knows every relay; that is what makes the start reliable (docs/tornet.md §3).
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Netns } from '../netns.ts'
import { openQuickackNetns } from '../netns.ts'
import type { ClientPool } from './clients.ts'
import { createClientPool } from './clients.ts'
import { DESCRIPTION_FILE, encodeDescription } from './description.ts'
import type { PortBlock } from './free-ports.ts'
import { privatePorts, reservePorts } from './free-ports.ts'
import { getAuthorityKeys, getRelayKeys, installKeys } from './key-cache.ts'
import { type Pulse, startPulse } from './pulse.ts'
import type { Run } from './run.ts'
import { createRun } from './run.ts'
import type { TorProcess } from './tor-process.ts'
import { findInfo, readLogTail, startTor } from './tor-process.ts'
import type { NetworkParameters } from './torrc.ts'
import { authorityTorrc, clientLines, relayTorrc, slotOffset } from './torrc.ts'
import type { Tornet, TornetOptions, TornetTimings } from './types.ts'
import { waitFor } from './wait.ts'

const DEFAULT_BOOT_TIMEOUT_MS = 90_000
/** From the release of the vote to its slot. One second is lost to rounding; a slot that is missed comes back in 30 min. */
const SLOT_LEAD_SECONDS = 2
/** When no consensus has come this long after the release, the slot was missed and another one is set. */
const RELEASE_AGAIN_MS = 8_000
/** A reply may be on its way: measured 10 to 60 ms. */
const ASK_AGAIN_MS = 1_000
const LOG_LINES = 15

interface Boot {
  readonly run: Run
  readonly prefix: readonly string[]
  readonly relayCount: number
  readonly ports: readonly number[]
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
}

interface Servers {
  readonly network: NetworkParameters
  readonly authority: TorProcess
  readonly all: readonly TorProcess[]
}

/** As tor takes them: without signs. */
const nicknameOf = (name: string): string => name.replace('-', '')

function serverNames(relayCount: number): string[] {
  return ['auth0', ...Array.from({ length: relayCount }, (_, index) => `relay-${String(index).padStart(2, '0')}`)]
}

async function startServers(boot: Boot, mark: (step: 'keysMs') => void): Promise<Servers> {
  const cache = { workDirectory: boot.run.directory, ...(boot.signal && { signal: boot.signal }) }
  const [authorityKeys, ...relayKeys] = await Promise.all([
    getAuthorityKeys(cache),
    ...Array.from({ length: boot.relayCount }, (_, index) => getRelayKeys(index, cache)),
  ])
  mark('keysMs')
  const [authorityDirPort = 0, authorityOrPort = 0, ...relayPorts] = boot.ports
  const network: NetworkParameters = {
    authorityDirPort,
    authorityOrPort,
    v3Identity: authorityKeys.v3Identity,
    fingerprint: authorityKeys.fingerprint,
  }
  const keys = [authorityKeys, ...relayKeys]
  const all = await Promise.all(
    serverNames(boot.relayCount).map((name, index) =>
      startTor({
        ...boot,
        name,
        torrc(directory) {
          const own = keys[index]
          if (own !== undefined) installKeys(own, directory)
          const nickname = nicknameOf(name)
          const orPort = index === 0 ? authorityOrPort : (relayPorts[index - 1] ?? 0)
          const server = { directory, owner: process.pid, nickname, orPort, network }
          return index === 0 ? authorityTorrc(server, Date.now() / 1000) : relayTorrc(server)
        },
      }),
    ),
  )
  const [authority] = all
  if (authority === undefined) throw new Error('no authority')
  return { network, authority, all }
}

async function countDescriptors(authority: TorProcess): Promise<number> {
  const descriptors = await findInfo(authority.control, 'desc/all-recent')
  return descriptors?.match(/^router /gm)?.length ?? 0
}

async function hasConsensus(server: TorProcess): Promise<boolean> {
  // Empty while there is none.
  return ((await findInfo(server.control, 'consensus/valid-after')) ?? '') !== ''
}

/** Sets the slot of the vote to the next moment; the authority votes, counts and publishes at once. */
async function releaseVote(authority: TorProcess): Promise<void> {
  const slotSeconds = Math.ceil(Date.now() / 1000) + SLOT_LEAD_SECONDS
  await authority.control.command(`SETCONF TestingV3AuthVotingStartOffset=${slotOffset(slotSeconds)}`)
}

async function agree(servers: Servers, boot: Boot): Promise<void> {
  let releaseAgainMs = 0
  await waitFor(
    async () => {
      if (await hasConsensus(servers.authority)) return true
      if (performance.now() > releaseAgainMs) {
        await releaseVote(servers.authority)
        releaseAgainMs = performance.now() + RELEASE_AGAIN_MS
      }
      return false
    },
    { ...boot, what: 'a consensus' },
  )
}

/**
 * Directories of onion services need the consensus. They have asked in vain so far, at growing intervals; a reload of the
 * configuration makes tor ask at once.
 */
async function spreadConsensus(servers: Servers, boot: Boot): Promise<void> {
  const spreadTo = async (server: TorProcess): Promise<void> => {
    let askAgainMs = 0
    await waitFor(
      async () => {
        if (await hasConsensus(server)) return true
        if (performance.now() > askAgainMs) {
          await server.control.command('SIGNAL RELOAD')
          askAgainMs = performance.now() + ASK_AGAIN_MS
        }
        return false
      },
      { ...boot, what: 'a relay to have the consensus' },
    )
  }
  // Not the authority: it has it, and a reload would take back the release of its vote.
  await Promise.all(servers.all.filter((server) => server !== servers.authority).map(spreadTo))
}

async function readLogs(directories: readonly string[]): Promise<string> {
  const tails = await Promise.all(directories.map((directory) => readLogTail(directory, LOG_LINES)))
  return tails.map((tail, index) => `--- ${directories[index]}\n${tail}`).join('\n')
}

/**
 * Starts a network and resolves when its clients can dial.
 *
 * @throws {Error} with the last log lines of every tor when it did not come up; everything has been removed by then
 */
export async function startTornet(options: TornetOptions = {}): Promise<Tornet> {
  const relayCount = options.relays ?? 4
  if (!Number.isInteger(relayCount) || relayCount < 3) throw new RangeError('"relays" must be at least 3')
  options.signal?.throwIfAborted()
  const startMs = performance.now()
  const steps: { -readonly [step in keyof TornetTimings]: number } = {
    keysMs: 0,
    serversMs: 0,
    descriptorsMs: 0,
    consensusMs: 0,
    clientsMs: 0,
    totalMs: 0,
  }
  let lastMs = startMs
  const mark = (step: keyof TornetTimings): void => {
    steps[step] = performance.now() - lastMs
    lastMs = performance.now()
  }
  const run = createRun({
    keepDirectory: options.keepDirectory ?? false,
    handleSignals: options.handleSignals ?? true,
  })
  const serverDirectories = serverNames(relayCount).map((name) => join(run.directory, name))
  let netns: Netns | undefined
  let ports: PortBlock | undefined
  let pool: ClientPool | undefined
  let pulse: Pulse | undefined
  const stop = async (): Promise<void> => {
    await pulse?.stop()
    await run.end()
    await ports?.release()
  }
  try {
    if (options.namespace === 'quickack') {
      netns = await openQuickackNetns()
      run.adopt(netns.holder)
    }
    ports = netns === undefined ? await reservePorts(relayCount + 2) : privatePorts(relayCount + 2)
    const boot: Boot = {
      run,
      prefix: netns?.prefix ?? [],
      relayCount,
      ports: ports.ports,
      deadlineMs: startMs + (options.bootTimeoutMs ?? DEFAULT_BOOT_TIMEOUT_MS),
      signal: options.signal,
    }
    const servers = await startServers(boot, mark)
    mark('serversMs')
    await waitFor(async () => (await countDescriptors(servers.authority)) === relayCount + 1, {
      ...boot,
      what: 'the descriptors of all relays',
    })
    mark('descriptorsMs')
    await agree(servers, boot)
    mark('consensusMs')
    const torrcLines = clientLines(servers.network)
    const clientPool = createClientPool({ run: () => run, prefix: boot.prefix, torrcLines })
    pool = clientPool
    await Promise.all([
      spreadConsensus(servers, boot),
      ...Array.from({ length: options.clients ?? 2 }, () => clientPool.add(boot.deadlineMs, options.signal)),
    ])
    pulse = await startPulse(
      serverNames(relayCount).map((name) => ({ directory: join(run.directory, name), nickname: nicknameOf(name) })),
    )
    mark('clientsMs')
    steps.totalMs = performance.now() - startMs
    const tornet: Tornet = {
      directory: run.directory,
      get clients() {
        return clientPool.clients
      },
      timings: steps,
      clientTorrcLines: () => [...torrcLines],
      addClient: (signal) => clientPool.add(performance.now() + DEFAULT_BOOT_TIMEOUT_MS, signal),
      commandInside: (argv) => [...boot.prefix, ...argv],
      logs: () => readLogs([...serverDirectories, ...clientPool.directories]),
      stop,
    }
    writeFileSync(join(run.directory, DESCRIPTION_FILE), encodeDescription(tornet, options.namespace ?? 'host'))
    return tornet
  } catch (cause: unknown) {
    const logs = await readLogs([...serverDirectories, ...(pool?.directories ?? [])])
    await stop()
    if (options.signal?.aborted === true) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`the private Tor network did not start: ${reason}\n${logs}`, { cause })
  }
}
