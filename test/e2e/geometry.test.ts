/** What a record is to real tors: cells of both relay-cell formats, and bytes on the link to the guard. Spec 01-wire §2. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { RecordLink, RecordNetwork } from '../../src/ports/index.ts'
import { connectControl, type RealTorProvider } from '../../src/tor/index.ts'
import { createRecordNetwork } from '../../src/transport/index.ts'
import {
  CELL_STREAM_BYTES,
  COURIER_RECORD_BYTES,
  FRAMING_BYTES,
  LANE_RECORD_BYTES,
  LANE_RECORD_LINK_BYTES,
  LANE_STREAM_BYTES,
  RECORD_CELL_COUNT,
  RECORD_LINK_BYTES,
  RECORD_STREAM_BYTES,
} from '../../src/wire/index.ts'
import { openLinks } from '../conformance/record-network.ts'
import { attachTor, TOR_LIMIT_MS } from '../support/attached-tor.ts'
import {
  type CellCounter,
  type CircuitCount,
  createCellCounter,
  difference,
  type LinkCount,
  type LinkTap,
  openLinkTap,
  tapLinks,
} from '../support/cell-count.ts'
import { dialAgain } from '../support/dial-again.ts'
import { readExactly, type TornetClient, useTornet, waitFor } from '../support/tornet/index.ts'
import { silentLogger } from '../unit/tor/support.ts'

/** A relay-cell format of tor 0.4.9, as this test knows it. */
interface Format {
  /** Stream bytes that fill a cell. */
  readonly cellBytes: number
  /** What a SENDME carries: version, length, and the digest or tag of the cell that it answers. */
  readonly sendmeBytes: number
}
const LEGACY: Format = { cellBytes: 498, sendmeBytes: 1 + 2 + 20 }
const CGO: Format = { cellBytes: 488, sendmeBytes: 1 + 2 + 16 }

/** Bytes that a cell has to leave free, or it counts as full to tor. */
const SPARE_BYTES = CELL_STREAM_BYTES - LANE_STREAM_BYTES

/** Data cells that one SENDME answers: `cc_sendme_inc` of tor, where no consensus says otherwise. */
const SENDME_INTERVAL_CELLS = 31

/** On the link: a cell, what TLS adds to a record of cells, and what is not to be seen on loopback (METADATA §3.1). */
const LINK_CELL_BYTES = 514
const TLS_OVERHEAD_BYTES = 22
const SEGMENT_HEADER_BYTES = 52
const SEGMENT_BYTES = 1_400

/** Cells that tor may have sent for circuits of its own while records were counted: none in most runs. */
const OTHER_CELLS_MAX_COUNT = 2

/**
 * After 50 to 99 cells tor looks whether one of them had room, and the first of these windows has the handshake of the
 * link in it. So many cells contain the end of a second one.
 */
const CELL_COUNT = 210

const DIRECTIONS = ['up', 'down'] as const
const OPPOSITE = { up: 'down', down: 'up' } as const

interface Exchange {
  readonly format: Format
  /** Bytes of one record on the stream. */
  readonly streamBytes: number
  /** Records each way. */
  readonly count: number
  readonly cells: CircuitCount
}

/** How many records make so many cells. */
function recordCount(format: Format, streamBytes: number, cellCount: number): number {
  return Math.ceil(cellCount / Math.ceil(streamBytes / format.cellBytes))
}

/** Of a circuit that carries data and SENDMEs and nothing else, which their bytes tell apart. */
function cellsApart({ format, streamBytes, count, cells }: Exchange, direction: keyof CircuitCount) {
  const { messageBytes, paddingCells, cells: all } = cells[direction]
  const sendmes = (messageBytes - streamBytes * count) / format.sendmeBytes
  return { data: all - sendmes - paddingCells, sendmes, padding: paddingCells }
}

/** Checks that each record was exactly `cellCount` cells both ways, and that SENDMEs were all that came beside them. */
function assertCells(made: Exchange, cellCount: number): void {
  for (const direction of DIRECTIONS) {
    const { data, sendmes, padding } = cellsApart(made, direction)
    assert.equal(data, made.count * cellCount, `cells of ${made.count} times ${made.streamBytes} bytes ${direction}`)
    assert.equal(padding, 0)
    const due = cellsApart(made, OPPOSITE[direction]).data / SENDME_INTERVAL_CELLS
    assert.ok(Number.isInteger(sendmes) && Math.abs(sendmes - due) <= 1, `${sendmes} SENDMEs ${direction}`)
  }
}

/** A control: checks that some record took a cell more, both ways, and that few did. */
function assertCellsNowAndThen(made: Exchange, cellCount: number): void {
  for (const direction of DIRECTIONS) {
    const more = cellsApart(made, direction).data - made.count * cellCount
    assert.ok(more >= 1 && more <= CELL_COUNT / 50, `${more} more cells of ${made.streamBytes} bytes ${direction}`)
  }
}

function report(t: TestContext, made: readonly Exchange[]): void {
  for (const exchange of made) {
    const { format, streamBytes, count } = exchange
    const [up, down] = DIRECTIONS.map((direction) => {
      const { data, sendmes } = cellsApart(exchange, direction)
      return `${data} cells and ${sendmes} SENDMEs ${direction}`
    })
    t.diagnostic(`${count} records of ${streamBytes} stream bytes in cells of ${format.cellBytes}: ${up}, ${down}`)
  }
}

const network = useTornet({ clients: 1 })

function onOnionCircuits(): void {
  let directory: string
  let tap: LinkTap
  let counter: CellCounter
  let alice: RecordNetwork
  let bob: RecordNetwork
  const providers: RealTorProvider[] = []

  const attach = async (client: TornetClient | undefined, name: string): Promise<RecordNetwork> => {
    assert.ok(client !== undefined)
    const provider = await attachTor(client, directory, name)
    providers.push(provider)
    return createRecordNetwork({ torProvider: provider, logger: silentLogger })
  }

  before(async () => {
    directory = await mkdtemp(`${tmpdir()}/nt-`)
    tap = await openLinkTap()
    const dialer = await network().addClient()
    counter = await createCellCounter(dialer)
    await tapLinks(counter.control, tap)
    ;[alice, bob] = await Promise.all([attach(network().clients[0], 'alice'), attach(dialer, 'bob')])
  })
  after(async () => {
    await Promise.all([alice?.stop(), bob?.stop()])
    await Promise.all(providers.map((provider) => provider.stop()))
    await counter?.close()
    await tap?.close()
    await rm(directory, { recursive: true, force: true })
  })

  /** Opens a link, which has a circuit of its own, and exchanges records. */
  const overLink = async (streamBytes: number, cellCount = CELL_COUNT, onSettled?: () => void): Promise<Exchange> => {
    const recordBytes = streamBytes - FRAMING_BYTES
    // To another onion each time: of two circuits to one, the lost one could be taken for the link's.
    const { listener, near, far } = await dialAgain(() => openLinks({ alice, bob }, recordBytes))
    const circuit = await counter.circuitWith('PURPOSE=HS_CLIENT_REND', `REND_QUERY=${listener.address}`)
    const record = new Uint8Array(recordBytes)
    const pass = async (from: RecordLink, to: RecordLink): Promise<void> => {
      await from.send(record)
      assert.equal((await to.receive())?.length, recordBytes)
    }
    const settled = async (): Promise<CircuitCount> => {
      await counter.settled()
      onSettled?.()
      return counter.of(circuit)
    }
    const from = await settled()
    const count = recordCount(LEGACY, streamBytes, cellCount)
    // One after the other: two that wait together would share a cell.
    for (let sent = 0; sent < count; sent += 1) await Promise.all([pass(far, near), pass(near, far)])
    const cells = difference(from, await settled())
    await far.close()
    await listener.close()
    return { format: LEGACY, streamBytes, count, cells }
  }

  it('is one cell for a lane and four for a courier, both ways; larger ones are seen to be more', async (t) => {
    const full = LEGACY.cellBytes
    const [lane, courier, roomy, ...controls] = await Promise.all([
      overLink(LANE_RECORD_BYTES + FRAMING_BYTES),
      overLink(COURIER_RECORD_BYTES + FRAMING_BYTES),
      overLink(full - SPARE_BYTES),
      overLink(full - SPARE_BYTES + 1),
      overLink(full + 1),
      overLink(RECORD_CELL_COUNT * full + 1),
    ])
    report(t, [lane, courier, roomy, ...controls])
    assertCells(lane, 1)
    assertCells(courier, RECORD_CELL_COUNT)
    // That it is the legacy format: CGO would have to cut records of that size.
    assertCells(roomy, 1)
    assertCellsNowAndThen(controls[0], 1)
    assertCells(controls[1], 2)
    assertCells(controls[2], RECORD_CELL_COUNT + 1)
  })

  const sizes = [
    { name: 'lane', streamBytes: LANE_STREAM_BYTES, cellCount: 1, linkBytes: LANE_RECORD_LINK_BYTES },
    { name: 'courier', streamBytes: RECORD_STREAM_BYTES, cellCount: RECORD_CELL_COUNT, linkBytes: RECORD_LINK_BYTES },
  ] as const
  for (const { name, streamBytes, cellCount, linkBytes } of sizes) {
    it(`is as many cells on the link to the guard, where nothing else is seen: ${name}`, async (t) => {
      const seen: { link: Record<'up' | 'down', LinkCount>; circuits: CircuitCount }[] = []
      const made = await overLink(streamBytes, 20 * cellCount, () => {
        seen.push({ link: tap.count(), circuits: counter.total() })
      })
      const [from, to] = seen
      assert.ok(from !== undefined && to !== undefined)
      const all = difference(from.circuits, to.circuits)
      let reckonedBytes = 0
      for (const direction of DIRECTIONS) {
        const cells: number = Math.round(to.link[direction].cells - from.link[direction].cells)
        const bytes: number = to.link[direction].bytes - from.link[direction].bytes
        const tlsRecords: number = to.link[direction].records - from.link[direction].records
        assert.equal(bytes, cells * LINK_CELL_BYTES + tlsRecords * TLS_OVERHEAD_BYTES)
        // Two counts that know nothing of each other. Link padding is off; what builds or ends a circuit is in the first only.
        const others = cells - all[direction].cells
        assert.ok(others >= 0 && others <= OTHER_CELLS_MAX_COUNT, `${others} other cells ${direction}`)
        const { data, sendmes } = cellsApart(made, direction)
        assert.equal(data, made.count * cellCount)
        t.diagnostic(
          `${made.count} records ${direction}: ${data} cells, ${sendmes} SENDMEs, ${others} others, ${tlsRecords} TLS records, ${bytes} bytes of TCP`,
        )
        const payloadBytes = (bytes - (cells - data) * (LINK_CELL_BYTES + TLS_OVERHEAD_BYTES)) / made.count
        reckonedBytes += payloadBytes + SEGMENT_HEADER_BYTES * (Math.ceil(payloadBytes / SEGMENT_BYTES) + 1)
      }
      t.diagnostic(`a slot of the ${name}: ${reckonedBytes} bytes with the headers of IP and TCP; budget ${linkBytes}`)
      // tor may need another TLS record when the machine is busy; in most runs this is exact.
      assert.ok(Math.abs(reckonedBytes / linkBytes - 1) < 0.03)
    })
  }
}

/** A server that answers every `bytes` bytes with as many. */
async function startEcho(bytes: number): Promise<Server> {
  const answer = async (socket: Socket): Promise<void> => {
    for (;;) {
      await readExactly(socket, bytes)
      socket.write(new Uint8Array(bytes))
    }
  }
  // It ends with the stream.
  const server = createServer((socket) => void answer(socket).catch(() => socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/**
 * tor 0.4.9 negotiates CGO with the last hop of circuits to exits, and never for the hop that the two ends of an onion
 * circuit share. So what a link writes is sent over an exit here.
 */
function onExitCircuits(): void {
  const PATH = ['relay00', 'relay01', 'relay02']
  const servers: Server[] = []
  const sockets: Socket[] = []
  let counter: CellCounter
  let socksPath: string

  /** Reconfigures the exit, and waits until its policy is what that made it. */
  const reconfigureExit = async (policy: RegExp, ...commands: readonly string[]): Promise<void> => {
    const control = await connectControl({ path: join(network().directory, 'relay-02', 'control') })
    try {
      await control.authenticate()
      for (const command of commands) await control.command(command)
      const isApplied = async (): Promise<boolean> => {
        const reply = await control.request('GETINFO exit-policy/ipv4')
        return reply.lines.some((line) => policy.test(line.data ?? line.text))
      }
      await waitFor(isApplied, { what: 'an exit policy', deadlineMs: performance.now() + TOR_LIMIT_MS })
    } finally {
      await control.close()
    }
  }

  before(async () => {
    const client = await network().addClient()
    counter = await createCellCounter(client)
    socksPath = join(dirname(client.socksPath), 'exit')
    await counter.control.command('SETCONF __LeaveStreamsUnattached=1 __DisablePredictedCircuits=1')
    await counter.control.command(`SETCONF SocksPort="unix:${socksPath}"`)
    await reconfigureExit(
      /accept 127/,
      'SETCONF ExitRelay=1 ExitPolicyRejectPrivate=0 ExitPolicyRejectLocalInterfaces=0 ExitPolicy="accept 127.0.0.1:*,reject *:*"',
    )
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
    await reconfigureExit(
      /=reject \*:\*$/,
      'SETCONF ExitPolicy="reject *:*"',
      'RESETCONF ExitRelay ExitPolicyRejectPrivate ExitPolicyRejectLocalInterfaces',
    )
    await counter?.close()
  })

  /** The lines of a status that match. */
  const linesOf = async (key: string, pattern: RegExp): Promise<readonly RegExpExecArray[]> => {
    const reply = await counter.control.request(`GETINFO ${key}`)
    const lines = reply.lines.flatMap((line) => (line.data ?? line.text.replace(`${key}=`, '')).split('\n'))
    return lines.map((line) => pattern.exec(line)).filter((match) => match !== null)
  }
  const soon = (what: string) => ({ what, deadlineMs: performance.now() + TOR_LIMIT_MS })

  /** A circuit to the exit. One that tor gave up is not in its status any more, and another is built. */
  const buildCircuit = (): Promise<string> =>
    waitFor(async () => {
      const reply = await counter.control.command(`EXTENDCIRCUIT 0 ${PATH.join(',')}`)
      const circuit = reply.lines[0]?.text.split(' ')[1] ?? ''
      const isOver = async (): Promise<string | undefined> => {
        const [found] = await linesOf('circuit-status', new RegExp(`^${circuit} (\\w+) `))
        if (found === undefined) return 'GONE'
        return found[1] === 'BUILT' ? found[1] : undefined
      }
      return (await waitFor(isOver, soon('a circuit'))) === 'BUILT' && circuit
    }, soon('a circuit that is built'))

  /** Opens a stream to a port of this machine, over a circuit of its own. */
  const openStream = async (port: number): Promise<{ readonly socket: Socket; readonly circuit: string }> => {
    const socket = connect(socksPath)
    sockets.push(socket)
    await once(socket, 'connect')
    socket.write(Uint8Array.of(5, 1, 0))
    await readExactly(socket, 2)
    socket.write(Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255))
    const opened = readExactly(socket, 10)
    let circuit = ''
    await waitFor(async () => {
      const [stream] = await linesOf('stream-status', new RegExp(`^(\\d+) (\\w+) \\d+ 127\\.0\\.0\\.1:${port}$`))
      const [, id, state] = stream ?? []
      if (state === 'SUCCEEDED') return true
      // Again as well: a stream that a circuit did not carry in time is left to us.
      if (state === 'NEW' || state === 'DETACHED') {
        circuit = await buildCircuit()
        await counter.control.request(`ATTACHSTREAM ${id} ${circuit}`)
      }
      return false
    }, soon('a stream'))
    assert.equal((await opened)[1], 0)
    return { socket, circuit }
  }

  const overExit = async (streamBytes: number): Promise<Exchange> => {
    const server = await startEcho(streamBytes)
    servers.push(server)
    const { socket, circuit } = await openStream((server.address() as AddressInfo).port)
    await counter.settled()
    const from = counter.of(circuit)
    const count = recordCount(CGO, streamBytes, CELL_COUNT)
    for (let sent = 0; sent < count; sent += 1) {
      socket.write(new Uint8Array(streamBytes))
      await readExactly(socket, streamBytes)
    }
    await counter.settled()
    return { format: CGO, streamBytes, count, cells: difference(from, counter.of(circuit)) }
  }

  it('is one cell for a lane and four for a courier, both ways; one byte more is seen', async (t) => {
    const { lines } = await counter.control.request('GETINFO version')
    if (/=0\.4\.[0-8]\./.test(lines[0]?.text ?? '')) return t.skip('tor has CGO from 0.4.9 on')
    const full = CGO.cellBytes
    const [lane, courier, ...controls] = await Promise.all([
      overExit(LANE_STREAM_BYTES),
      overExit(RECORD_STREAM_BYTES),
      overExit(LANE_STREAM_BYTES + 1),
      overExit(RECORD_STREAM_BYTES + 1),
      overExit(full + 1),
      overExit(RECORD_CELL_COUNT * full + 1),
    ])
    report(t, [lane, courier, ...controls])
    assertCells(lane, 1)
    assertCells(courier, RECORD_CELL_COUNT)
    assertCellsNowAndThen(controls[0], 1)
    assertCellsNowAndThen(controls[1], RECORD_CELL_COUNT)
    // That it is CGO: a legacy cell holds ten bytes more.
    assertCells(controls[2], 2)
    assertCells(controls[3], RECORD_CELL_COUNT + 1)
  })
}

// Side by side, because most of the time is waiting for round trips; within each, one test after the other.
describe('a record among the cells of tor', { concurrency: true }, () => {
  describe('on an onion circuit, which has legacy cells', { concurrency: 1 }, onOnionCircuits)
  describe('on a circuit that has negotiated CGO', { concurrency: 1 }, onExitCircuits)
})
