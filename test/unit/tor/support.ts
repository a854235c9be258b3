/** What the tests of `src/tor` share: a real clock, keys, directories, and a scripted control port. @module */
import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ed25519 } from '@noble/curves/ed25519.js'
import { base32Encode } from '../../../src/base/index.ts'
import type { Clock, Logger, OnionAddress, OnionSecretKey, Random } from '../../../src/ports/index.ts'
import { CHILD_TOR_DEFAULTS, TOR_DEFAULTS, type TorOptions } from '../../../src/tor/index.ts'

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) => delay(delayMs, undefined, signal === undefined ? {} : { signal }),
}

export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  uniform: () => Math.random(),
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}

/** Expanded secret key of a fresh onion service. */
export function onionKey(seed: Uint8Array = randomBytes(32)): OnionSecretKey {
  const expanded = new Uint8Array(createHash('sha512').update(seed).digest())
  expanded[0] = (expanded[0] ?? 0) & 0xf8
  expanded[31] = ((expanded[31] ?? 0) & 0x7f) | 0x40
  return expanded as OnionSecretKey
}

/** Address of an expanded key, by the second implementation. */
export function addressOf(secretKey: OnionSecretKey): OnionAddress {
  let scalar = 0n
  for (const byte of secretKey.slice(0, 32).reverse()) scalar = (scalar << 8n) | BigInt(byte)
  const order = ed25519.Point.Fn.ORDER
  const publicKey = ed25519.Point.BASE.multiply(scalar % order).toBytes()
  const sum = createHash('sha3-256').update('.onion checksum').update(publicKey).update(Uint8Array.of(3)).digest()
  return base32Encode(Uint8Array.of(...publicKey, ...sum.subarray(0, 2), 3)) as OnionAddress
}

/** An X25519 key pair in raw bytes. */
export function clientKey(privateKey: Uint8Array = new Uint8Array(randomBytes(32))): {
  privateKey: Uint8Array
  publicKey: Uint8Array
} {
  return { privateKey, publicKey: clientPublicKey(privateKey) }
}

export function clientPublicKey(privateKey: Uint8Array): Uint8Array {
  const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
  const key = createPrivateKey({ key: Buffer.concat([prefix, privateKey]), format: 'der', type: 'pkcs8' })
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
}

const cleanups = new WeakMap<object, (() => unknown)[]>()

/** Runs `action` after the test, the latest first: what was made first goes last. */
export function later(context: Pick<TestContext, 'after'>, action: () => unknown): void {
  let stack = cleanups.get(context)
  if (stack === undefined) {
    const actions: (() => unknown)[] = []
    cleanups.set(context, actions)
    context.after(async () => {
      for (const next of actions.reverse()) await next()
    })
    stack = actions
  }
  stack.push(action)
}

/** A directory with a short path, removed after the test. */
export async function shortDirectory(context: Pick<TestContext, 'after'>): Promise<string> {
  const directory = await mkdtemp(`${tmpdir()}/nt-`)
  later(context, () => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Options for a real child that needs no network. */
export function childOptions(directory: string, patch: Partial<TorOptions> = {}): TorOptions {
  return {
    ...TOR_DEFAULTS,
    mode: 'child',
    retryMs: { first: 20, longest: 200 },
    socketDirectory: directory,
    child: { ...CHILD_TOR_DEFAULTS, directory: `${directory}/tor`, extraLines: ['DisableNetwork 1'] },
    ...patch,
  }
}

/** Polls until `condition` holds; the test's own timeout is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5)
}

export interface ScriptedControl {
  readonly path: string
  readonly received: string[]
  /** Sends raw bytes to the newest client. */
  send(bytes: string | Uint8Array): void
  /** Ends the newest client's connection. */
  drop(): void
  readonly connections: number
}

/** A server that answers each line by `answer`; undefined answers nothing. */
export async function scriptedControl(
  context: Pick<TestContext, 'after'>,
  answer: (line: string) => string | Uint8Array | undefined,
): Promise<ScriptedControl> {
  const directory = await shortDirectory(context)
  const path = `${directory}/control`
  const received: string[] = []
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const lines = text.split('\r\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        received.push(line)
        const reply = answer(line)
        if (reply !== undefined) socket.write(reply)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  later(context, () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    path,
    received,
    send: (bytes) => void sockets.at(-1)?.write(bytes),
    drop: () => void sockets.at(-1)?.destroy(),
    get connections() {
      return sockets.length
    },
  }
}
