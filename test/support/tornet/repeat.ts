/**
 * Shows that the network comes up every time: starts it, echoes bytes over an onion service, stops it, again and again.
 * Never hides a failure: the first one ends with status 1 and the logs. `node test/support/tornet/repeat.ts 20 [quickack]`
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { dialTestOnion, publishTestOnion, readExactly } from './onion-echo.ts'
import { processesOf } from './process-identity.ts'
import { isRunDirectory, temporaryRoot } from './run-directory.ts'
import { startTornet } from './start.ts'
import type { Tornet } from './types.ts'

interface Round {
  readonly bootMs: number
  readonly publishMs: number
  readonly dialMs: number
  readonly stopMs: number
  readonly leftProcesses: number
  readonly leftDirectories: number
}

async function echoOnce(tornet: Tornet): Promise<{ publishMs: number; dialMs: number }> {
  const [alice, bob] = tornet.clients
  if (alice === undefined || bob === undefined) throw new Error('two clients are needed')
  const path = join(tornet.directory, 'echo')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    pipeline(socket, socket, () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  try {
    const startMs = performance.now()
    const onion = await publishTestOnion(alice, path)
    const publishedMs = performance.now()
    const socket = await dialTestOnion(bob, onion.address, 'repeat')
    socket.write('hello')
    if ((await readExactly(socket, 5)).toString() !== 'hello') throw new Error('the echo was not what was sent')
    const endMs = performance.now()
    socket.destroy()
    await onion.close()
    return { publishMs: publishedMs - startMs, dialMs: endMs - publishedMs }
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

async function runRound(namespace: 'host' | 'quickack'): Promise<Round> {
  const tornet = await startTornet({ namespace })
  let stopMs = 0
  try {
    const echoed = await echoOnce(tornet)
    const startMs = performance.now()
    await tornet.stop()
    stopMs = performance.now() - startMs
    return {
      ...echoed,
      bootMs: tornet.timings.totalMs,
      stopMs,
      leftProcesses: processesOf(tornet.directory).length,
      leftDirectories: existsSync(tornet.directory) ? 1 : 0,
    }
  } finally {
    await tornet.stop()
  }
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN).toFixed(0)
}

const count = Number(process.argv[2] ?? 20)
const namespace = process.argv[3] === 'quickack' ? 'quickack' : 'host'
const rounds: Round[] = []
for (let index = 0; index < count; index += 1) {
  const round = await runRound(namespace)
  rounds.push(round)
  const figures = Object.entries<number>({ ...round }).map(([key, value]) => `${key}=${Math.round(value)}`)
  process.stdout.write(`${index + 1}/${count} ${figures.join(' ')}\n`)
}
for (const key of ['bootMs', 'publishMs', 'dialMs', 'stopMs'] as const) {
  const values = rounds.map((round) => round[key])
  const [p50, p95, max] = [0.5, 0.95, 1].map((share) => quantile(values, share))
  process.stdout.write(`${key}: p50 ${p50}, p95 ${p95}, max ${max}\n`)
}
const own = readdirSync(temporaryRoot()).filter((name) => isRunDirectory(name) && name.includes(`-${process.pid}-`))
const left = rounds.reduce((sum, round) => sum + round.leftProcesses + round.leftDirectories, own.length)
process.stdout.write(`rounds ${rounds.length}, left behind ${left}\n`)
process.exitCode = left === 0 && rounds.length === count ? 0 : 1
