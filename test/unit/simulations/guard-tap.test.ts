/** The tap passes every byte on, writes down what passed, and goes nowhere but to this machine. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parseTrace } from '../../../simulations/capture/trace.ts'
import { startGuardTap, type TapRead } from '../../support/guard-tap.ts'
import { startTaps } from '../../support/guard-taps.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const root = mkdtempSync(join(tmpdir(), 'noctule-tap-'))
after(() => rmSync(root, { recursive: true, force: true }))

async function listen(onSocket: (socket: Socket) => void): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ allowHalfOpen: true }, onSocket).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { server, port: address.port }
}

/** Everything that comes until the other side ends. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

async function exactly(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk: unknown = socket.read(bytes)
    if (chunk instanceof Buffer) return chunk
    await once(socket, 'readable')
  }
}

/** As tor asks its proxy; gives the status and the socket after it. */
async function through(tapPort: number, request: readonly number[], pieces = 1): Promise<[number | undefined, Socket]> {
  const socket = connect({ port: tapPort, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  socket.write(Uint8Array.of(5, 1, 0))
  assert.deepEqual([...(await exactly(socket, 2))], [5, 0])
  const size = Math.ceil(request.length / pieces)
  for (let from = 0; from < request.length; from += size)
    socket.write(Uint8Array.from(request.slice(from, from + size)))
  const reply = await exactly(socket, 10)
  return [reply[1], socket]
}

const request = (port: number, host = [127, 0, 0, 1]): number[] => [5, 1, 0, 1, ...host, port >> 8, port & 255]

describe('the tap at the guard link', () => {
  it('passes every byte on, both ways and to the end, and counts them', async () => {
    const random = createSeededRandom(1)
    const [up, down] = [Buffer.from(random.bytes(300_000)), Buffer.from(random.bytes(700_000))]
    let received: Promise<Buffer> | undefined
    const { server, port } = await listen((socket) => {
      received = readAll(socket)
      socket.end(down)
    })
    const reads: TapRead[] = []
    const tap = await startGuardTap((read) => reads.push(read))
    const [status, socket] = await through(tap.port, request(port), 4)
    assert.equal(status, 0)
    socket.end(up)
    assert.ok(down.equals(await readAll(socket)))
    assert.ok(up.equals((await received) ?? Buffer.alloc(0)))
    const total = (direction: TapRead['direction']): number =>
      reads.filter((read) => read.direction === direction).reduce((sum, { bytes }) => sum + bytes, 0)
    // What tap and tor say to each other is not on the line.
    assert.equal(total('up'), up.length)
    assert.equal(total('down'), down.length)
    assert.ok(reads.every(({ atNs }, index) => index === 0 || atNs >= (reads[index - 1]?.atNs ?? 0n)))
    await tap.close()
    server.close()
  })

  it('connects to nothing but IPv4 loopback addresses', async () => {
    const tap = await startGuardTap(() => undefined)
    for (const bad of [
      request(9, [192, 0, 2, 1]),
      [5, 2, 0, 1, 127, 0, 0, 1, 0, 9],
      [5, 1, 0, 3, 127, 0, 0, 1, 0, 9],
      [4, 1, 0, 1, 127, 0, 0, 1, 0, 9],
    ]) {
      const [status, socket] = await through(tap.port, bad)
      assert.equal(status, 5)
      socket.destroy()
    }
    await tap.close()
  })

  it('says so when nobody answers, and ends everything when it is closed', async () => {
    const { server, port } = await listen(() => undefined)
    const tap = await startGuardTap(() => undefined)
    const [status, socket] = await through(tap.port, request(port))
    assert.equal(status, 0)
    server.close()
    const rest = readAll(socket)
    await tap.close()
    assert.equal((await rest).length, 0)
    socket.destroy()
    const second = await startGuardTap(() => undefined)
    const [refused, other] = await through(second.port, request(port))
    assert.equal(refused, 5)
    other.destroy()
    await second.close()
  })

  it('writes, from a process of its own, one file for each tap', async () => {
    const { server, port } = await listen((socket) => socket.pipe(socket))
    const files = ['a', 'b'].map((name) => join(root, name))
    const taps = await startTaps(files)
    const [status, socket] = await through(taps.ports[1] ?? 0, request(port))
    assert.equal(status, 0)
    const fromNs = process.hrtime.bigint()
    socket.end('hello')
    assert.equal((await readAll(socket)).toString(), 'hello')
    await taps.stop()
    server.close()
    const [empty, trace] = files.map((file) => parseTrace(readFileSync(file, 'utf8')))
    assert.deepEqual(empty, [])
    assert.deepEqual(
      trace?.map(({ bytes, isUp }) => [isUp, bytes]),
      [
        [true, 5],
        [false, 5],
      ],
    )
    // The same clock as everybody's on this machine.
    for (const { atMs } of trace ?? []) {
      assert.ok(atMs >= Number(fromNs) / 1e6 - 1 && atMs <= Number(process.hrtime.bigint()) / 1e6)
    }
  })
})
