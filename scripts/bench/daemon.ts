/**
 * The daemon as its user meets it: start, memory, processor time, and how long a message takes on an open lane.
 * Never a daemon made for the measurement: the shipped program in processes of its own.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublishedInvite, type DaemonProcess, startDaemon, waitFor } from '../../test/support/daemon-process.ts'
import type { Tornet } from '../../test/support/tornet/index.ts'
import { type Figure, quantile } from './figures.ts'
import { cpuMsOf, residentMiBOf } from './usage.ts'

const LIMIT_MS = 120_000
const STARTS = 7
const MESSAGES = 60
const IDLE_MS = 30_000

interface Usage {
  readonly cpuMs: number
  readonly residentMiB: number
}

function usageOf(daemon: DaemonProcess): Usage {
  const pid = daemon.child.pid ?? 0
  return { cpuMs: cpuMsOf(pid), residentMiB: residentMiBOf(pid) }
}

async function idleUsage(
  daemon: DaemonProcess,
): Promise<{ readonly cpuPercent: number; readonly residentMiB: number }> {
  const before = usageOf(daemon)
  const startMs = performance.now()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const after = usageOf(daemon)
  return {
    cpuPercent: ((after.cpuMs - before.cpuMs) * 100) / (performance.now() - startMs),
    residentMiB: after.residentMiB,
  }
}

async function isTorReady(daemon: DaemonProcess): Promise<true | undefined> {
  return (await daemon.rpc.call('status', {})).tor.stage === 'ready' ? true : undefined
}

async function benchStart(directory: string): Promise<Figure[]> {
  const times: number[] = []
  for (let index = 0; index < STARTS; index += 1) {
    const daemon = await startDaemon({
      directory: join(directory, 's'),
      tor: { mode: 'child', binary: '/nonexistent/tor' },
    })
    times.push(daemon.readyMs)
    await daemon.stop()
  }
  return [
    {
      name: 'daemon: start of the process to RPC ready, p50',
      value: quantile(times, 0.5),
      unit: 'ms',
      target: { most: 1_000 },
      how: `${STARTS} starts, key file, no tor; slowest ${quantile(times, 1).toFixed(0)} ms`,
    },
  ]
}

export async function benchDaemon(tornet: Tornet, rawRttMs: number): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-bench-'))
  const daemons: DaemonProcess[] = []
  try {
    const figures = await benchStart(directory)
    for (const name of ['a', 'b']) {
      const client = await tornet.addClient()
      const tor = { mode: 'attach', control: client.controlPath, socks: client.socksPath, onionTarget: 'unix' }
      daemons.push(await startDaemon({ directory: join(directory, name), tor }))
    }
    const [alice, bob] = daemons
    if (alice === undefined || bob === undefined) throw new Error('two daemons are needed')
    await waitFor('tor', LIMIT_MS, async () => ((await isTorReady(alice)) && (await isTorReady(bob))) || undefined)
    const idle = await idleUsage(alice)
    const contact = await pair(alice, bob)
    const latencies = await measureLatency(alice, bob, contact)
    await waitFor('acknowledgements', LIMIT_MS, async () =>
      (await alice.rpc.call('status', {})).queuedMessages === 0 ? true : undefined,
    )
    const lane = await idleUsage(bob)
    const p50 = quantile(latencies, 0.5)
    const p95 = quantile(latencies, 0.95)
    const how = `${MESSAGES} messages at random times, both daemons over Tor`
    // The wait for a slot of U[0.5, 1.5] s is 0.54 s in the mean and at most 1.5 s; half a round trip takes it across.
    return [
      ...figures,
      { name: 'lane: message latency, send to event, p50', value: p50, unit: 'ms', target: { most: 2_000 }, how },
      { name: 'lane: message latency, send to event, p95', value: p95, unit: 'ms', how },
      {
        name: 'lane: p50 over mean slot wait plus raw round trip',
        value: p50 / (542 + rawRttMs),
        unit: 'times',
        how: 'mean slot wait 542 ms of U[0.5, 1.5] s',
      },
      {
        name: 'daemon: resident memory, idle',
        value: idle.residentMiB,
        unit: 'MiB',
        target: { most: 150 },
        how: 'no contact',
      },
      {
        name: 'daemon: processor, idle',
        value: idle.cpuPercent,
        unit: '% core',
        target: { most: 1 },
        how: `${IDLE_MS / 1000} s, no contact`,
      },
      {
        name: 'daemon: resident memory, one lane open',
        value: lane.residentMiB,
        unit: 'MiB',
        target: { most: 150 },
        how: 'after the messages',
      },
      {
        name: 'daemon: processor, one lane open',
        value: lane.cpuPercent,
        unit: '% core',
        how: `${IDLE_MS / 1000} s, cover both ways`,
      },
    ]
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
}

async function pair(alice: DaemonProcess, bob: DaemonProcess): Promise<string> {
  const uri = await createPublishedInvite(bob)
  const { contactId } = await alice.rpc.call('acceptInvite', { uri })
  const request = await waitFor('the request', LIMIT_MS, async () => (await bob.rpc.call('listRequests', {}))[0])
  await bob.rpc.call('acceptRequest', { requestId: request.requestId })
  await waitFor('the lane', LIMIT_MS, async () =>
    (await alice.rpc.call('listContacts', {}))[0]?.state === 'active' ? true : undefined,
  )
  return contactId
}

async function measureLatency(alice: DaemonProcess, bob: DaemonProcess, contact: string): Promise<number[]> {
  const arrivals = new Map<string, (atMs: number) => void>()
  const early = new Map<string, number>()
  const stop = bob.rpc.onNotification((notification) => {
    if (notification.method !== 'receive') return
    const { messageId } = notification.params.result.envelope
    const arrived = arrivals.get(messageId)
    if (arrived === undefined) early.set(messageId, performance.now())
    else arrived(performance.now())
  })
  await bob.rpc.call('subscribeReceive', {})
  const latencies: number[] = []
  for (let index = 0; index < MESSAGES; index += 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1_000))
    const sentMs = performance.now()
    const { messageId } = await alice.rpc.call('send', { recipient: contact, message: `message ${index}` })
    const atMs = early.get(messageId) ?? (await new Promise<number>((resolve) => arrivals.set(messageId, resolve)))
    latencies.push(atMs - sentMs)
  }
  stop()
  return latencies
}
