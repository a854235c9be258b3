/**
 * Counts cells: those of each circuit as a tor reports them, and those on its links from the sizes of TLS records.
 * Never takes one count from the other: the first is tor's own, the second is read off the wire.
 * @module
 */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { ControlConnection } from '../../src/tor/index.ts'
import { connectControl } from '../../src/tor/index.ts'
import { readExactly } from './tornet/onion-echo.ts'
import type { TornetClient } from './tornet/types.ts'

/** A cell on a link, and the payload that tor counts for it (link protocol 4 and later). */
const CELL_BYTES = 514
const CELL_PAYLOAD_BYTES = 509

/** What tor counts for a relay cell of either format: the bytes of the message and the rest, together. */
const RELAY_BYTES = 498

/** One direction of a circuit, counted at the end that has made it. */
export interface DirectionCount {
  /** All cells of the circuit, whatever is in them. */
  readonly cells: number
  /** Bytes of the relay messages in them: stream data and SENDMEs. */
  readonly messageBytes: number
  /** Cells that carried no message to this end: padding of circuits. */
  readonly paddingCells: number
}

export interface CircuitCount {
  readonly up: DirectionCount
  readonly down: DirectionCount
}

export interface CellCounter {
  readonly control: ControlConnection
  /** Since the counter was created. */
  of(circuitId: string): CircuitCount
  /** Of all circuits together. */
  total(): CircuitCount
  /** The open circuit of which tor tells `mark`, for instance a `PURPOSE=` and a `REND_QUERY=`. @throws {Error} if none */
  circuitWith(...marks: readonly string[]): Promise<string>
  /** Resolves when everything that tor has sent and received by now is counted. */
  settled(): Promise<void>
  close(): Promise<void>
}

const FIELDS = ['WRITTEN', 'DELIVERED_WRITTEN', 'OVERHEAD_WRITTEN', 'READ', 'DELIVERED_READ', 'OVERHEAD_READ'] as const
type Field = (typeof FIELDS)[number]
type Sums = Record<Field, number>

const noSums = (): Sums => Object.fromEntries(FIELDS.map((field) => [field, 0])) as Sums

function directionOf(bytes: number, delivered: number, overhead: number): DirectionCount {
  const cells = bytes / CELL_PAYLOAD_BYTES
  return { cells, messageBytes: delivered, paddingCells: cells - (delivered + overhead) / RELAY_BYTES }
}

function countOf(sums: Sums): CircuitCount {
  return {
    up: directionOf(sums.WRITTEN, sums.DELIVERED_WRITTEN, sums.OVERHEAD_WRITTEN),
    down: directionOf(sums.READ, sums.DELIVERED_READ, sums.OVERHEAD_READ),
  }
}

/** Counts by tor's `CIRC_BW` events. tor sends them once a second, before the `BW` event of that second. */
export async function createCellCounter(client: Pick<TornetClient, 'controlPath'>): Promise<CellCounter> {
  const control = await connectControl({ path: client.controlPath })
  await control.authenticate()
  const circuits = new Map<string, Sums>()
  const tickWaiters = new Set<() => void>()
  control.onEvent((event) => {
    if (event.name === 'BW') for (const wake of tickWaiters) wake()
    if (event.name !== 'CIRC_BW') return
    const pairs = new Map(event.text.split(' ').map((pair) => pair.split('=', 2) as [string, string]))
    const id = pairs.get('ID') ?? ''
    const sums = circuits.get(id) ?? noSums()
    for (const field of FIELDS) sums[field] += Number(pairs.get(field))
    circuits.set(id, sums)
  })
  await control.command('SETEVENTS CIRC_BW BW')
  return {
    control,
    of: (circuitId) => countOf(circuits.get(circuitId) ?? noSums()),
    total() {
      const sums = noSums()
      for (const circuit of circuits.values()) for (const field of FIELDS) sums[field] += circuit[field]
      return countOf(sums)
    },
    async circuitWith(...marks) {
      const reply = await control.request('GETINFO circuit-status')
      const lines = reply.lines.flatMap((line) => (line.data ?? line.text).split('\n'))
      const found = lines.find((line) => marks.every((mark) => line.includes(mark)))
      const id = found?.replace('circuit-status=', '').split(' ')[0]
      if (id === undefined) throw new Error(`no circuit with ${marks.length} marks`)
      return id
    },
    async settled() {
      // What tor has read by now it counts at once, and reports in the next second; the one after that is whole.
      for (let tick = 0; tick < 2; tick += 1) await new Promise<void>((resolve) => tickWaiters.add(resolve))
    },
    close: () => control.close(),
  }
}

/** What was between two counts. */
export function difference(from: CircuitCount, to: CircuitCount): CircuitCount {
  const direction = (name: keyof CircuitCount): DirectionCount => ({
    cells: to[name].cells - from[name].cells,
    messageBytes: to[name].messageBytes - from[name].messageBytes,
    paddingCells: to[name].paddingCells - from[name].paddingCells,
  })
  return { up: direction('up'), down: direction('down') }
}

/** One direction of a tapped link. */
export interface LinkCount {
  /** Payload of TCP, all of it. */
  readonly bytes: number
  /** What the TLS records of application data carried, as cells: between two counts of an open link a whole number. */
  readonly cells: number
  /** Those records. A cell may lie in two of them. */
  readonly records: number
}

export interface LinkTap {
  readonly port: number
  /** Of all links through the tap. */
  count(): { readonly up: LinkCount; readonly down: LinkCount }
  close(): Promise<void>
}

/** TLS 1.3: header 5, content type 1, tag 16. */
const TLS_HEADER_BYTES = 5
const TLS_APPLICATION_DATA = 23
const TLS_TAIL_BYTES = 1 + 16

/** Reads the headers of TLS records as they pass. */
function createTlsReader(): { read(chunk: Buffer): void; readonly count: LinkCount } {
  let header = Buffer.alloc(0)
  let skip = 0
  const count = { bytes: 0, cells: 0, records: 0 }
  return {
    count,
    read(chunk) {
      count.bytes += chunk.length
      let rest = chunk
      while (rest.length > 0) {
        const passed = Math.min(skip, rest.length)
        skip -= passed
        rest = rest.subarray(passed)
        const taken = Math.min(TLS_HEADER_BYTES - header.length, rest.length)
        header = Buffer.concat([header, rest.subarray(0, taken)])
        rest = rest.subarray(taken)
        if (header.length < TLS_HEADER_BYTES) return
        skip = header.readUInt16BE(3)
        if (header[0] === TLS_APPLICATION_DATA) {
          count.cells += (skip - TLS_TAIL_BYTES) / CELL_BYTES
          count.records += 1
        }
        header = Buffer.alloc(0)
      }
    },
  }
}

/** A SOCKS5 proxy for the `Socks5Proxy` option of a tor: all its links run through here. Only to loopback addresses. */
export async function openLinkTap(): Promise<LinkTap> {
  const sockets = new Set<Socket>()
  const links: { readonly up: LinkCount; readonly down: LinkCount }[] = []
  const hold = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
    // The other side is ended by its own close.
    socket.on('error', () => socket.destroy())
    return socket
  }
  const serve = async (near: Socket): Promise<void> => {
    const greeting = await readExactly(near, 2)
    await readExactly(near, greeting[1] ?? 0)
    near.write(Uint8Array.of(5, 0))
    const request = await readExactly(near, 10)
    if (request[1] !== 1 || request[3] !== 1 || request[4] !== 127) throw new Error('only loopback is tapped')
    const far = hold(connect({ host: [...request.subarray(4, 8)].join('.'), port: request.readUInt16BE(8) }))
    await once(far, 'connect')
    near.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    const [up, down] = [createTlsReader(), createTlsReader()]
    links.push({ up: up.count, down: down.count })
    near.on('data', (chunk: Buffer) => up.read(chunk))
    far.on('data', (chunk: Buffer) => down.read(chunk))
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    near.pipe(far)
    far.pipe(near)
  }
  const server = createServer((socket) => void serve(hold(socket)).catch(() => socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sum = (direction: 'up' | 'down'): LinkCount => {
    const total = { bytes: 0, cells: 0, records: 0 }
    for (const link of links) {
      total.bytes += link[direction].bytes
      total.cells += link[direction].cells
      total.records += link[direction].records
    }
    return total
  }
  return {
    port: (server.address() as AddressInfo).port,
    count: () => ({ up: sum('up'), down: sum('down') }),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Sends all links of a client tor through a tap, closing those that it has, and turns tor's own padding of links off. */
export async function tapLinks(control: ControlConnection, tap: LinkTap): Promise<void> {
  await control.command('SETCONF DisableNetwork=1')
  await control.command(
    `SETCONF Socks5Proxy=127.0.0.1:${tap.port} ConnectionPadding=0 __DisablePredictedCircuits=1 CircuitPadding=0`,
  )
  await control.command('SETCONF DisableNetwork=0')
}
