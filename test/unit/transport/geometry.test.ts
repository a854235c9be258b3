/** What a link puts on the socket, counted there. @module */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { createEd25519Seed, deriveOnionKey } from '../../../src/crypto/index.ts'
import type { RecordNetwork } from '../../../src/ports/index.ts'
import { createRecordNetwork, onionMultiaddr, onionTransport } from '../../../src/transport/index.ts'
import {
  CELL_STREAM_BYTES,
  LANE_RECORD_BYTES,
  LANE_STREAM_BYTES,
  onionAddress,
  RECORD_STREAM_BYTES,
  RENDEZVOUS_RECORD_BYTES,
} from '../../../src/wire/index.ts'
import { openLinks } from '../../conformance/record-network.ts'
import { createLoopbackTor, type LoopbackTor, type TappedSocket } from '../../support/loopback-tor.ts'
import { silentLogger } from '../../support/silent-logger.ts'

/** XX with libp2p's payload (identity key, signature, no extensions): the same for every link. */
const HANDSHAKE_WRITES = { dialer: [34, 172], listener: [204] }

/** Records under way at a time. */
const BATCH_COUNT = 10

let tor: LoopbackTor
let alice: RecordNetwork
let bob: RecordNetwork

function tapOf(side: TappedSocket['side']): TappedSocket {
  const tap = tor.taps.find((candidate) => candidate.side === side)
  assert.ok(tap !== undefined)
  return tap
}

const distinct = (sizes: readonly number[]): number[] => [...new Set(sizes)]

beforeEach(async () => {
  tor = await createLoopbackTor()
  const create = () => createRecordNetwork({ torProvider: tor.createProvider(), logger: silentLogger })
  alice = create()
  bob = create()
})
afterEach(async () => {
  await alice.stop()
  await bob.stop()
  await tor.stop()
})

interface RecordSize {
  readonly recordBytes: number
  /** Of the one write that a record is on the socket. */
  readonly streamBytes: number
}

const LANE: RecordSize = { recordBytes: LANE_RECORD_BYTES, streamBytes: LANE_STREAM_BYTES }
const RENDEZVOUS: RecordSize = { recordBytes: RENDEZVOUS_RECORD_BYTES, streamBytes: RECORD_STREAM_BYTES }

/** Exchanges records in both directions and checks that nothing else was written, ever. */
async function assertOnlyRecords(
  { recordBytes, streamBytes }: RecordSize,
  count: number,
  extra?: (tap: TappedSocket) => void,
): Promise<void> {
  const { near, far } = await openLinks({ alice, bob }, recordBytes)
  const record = new Uint8Array(recordBytes)
  for (let sent = 0; sent < count; sent += BATCH_COUNT) {
    const batch = Array.from({ length: BATCH_COUNT }, () => [far.send(record), near.send(record)])
    for (let index = 0; index < BATCH_COUNT; index += 1) {
      assert.equal((await near.receive())?.length, recordBytes)
      assert.equal((await far.receive())?.length, recordBytes)
    }
    await Promise.all(batch.flat())
    if (sent === 0) extra?.(tapOf('dialer'))
  }
  await far.close()
  await near.closed
  for (const side of ['dialer', 'listener'] as const) {
    const { writes } = tapOf(side)
    const setUp = HANDSHAKE_WRITES[side]
    assert.deepEqual(writes.slice(0, setUp.length), setUp)
    const records = writes.slice(setUp.length)
    assert.deepEqual(distinct(records), [streamBytes])
    assert.equal(records.length, count)
  }
}

describe('the bytes of a link', () => {
  it('are, after the handshake, one write of one size for each of 4,000 lane records, both ways', async () => {
    await assertOnlyRecords(LANE, 4_000)
  })

  it('are one write of one size for a rendezvous record', async () => {
    await assertOnlyRecords(RENDEZVOUS, 50)
  })

  it('fit the cells of the handshake', () => {
    for (const bytes of [...HANDSHAKE_WRITES.dialer, ...HANDSHAKE_WRITES.listener])
      assert.ok(bytes <= CELL_STREAM_BYTES)
  })

  it('control: one extra write of another size is noticed', async () => {
    const ping = (tap: TappedSocket): void => void tap.socket.write(new Uint8Array(0))
    await assert.rejects(assertOnlyRecords(LANE, 10, ping), assert.AssertionError)
  })

  it('control: a record that is one byte short is noticed', async () => {
    const short = { ...LANE, recordBytes: LANE_RECORD_BYTES - 1 }
    await assert.rejects(assertOnlyRecords(short, 10), assert.AssertionError)
  })

  it('leave at once and each alone when several records are sent in one turn', async () => {
    const { near, far } = await openLinks({ alice, bob }, LANE_RECORD_BYTES)
    await Promise.all(Array.from({ length: 20 }, () => far.send(new Uint8Array(LANE_RECORD_BYTES))))
    for (let index = 0; index < 20; index += 1) await near.receive()
    assert.deepEqual(distinct(tapOf('dialer').writes.slice(2)), [LANE_STREAM_BYTES])
    assert.equal(tapOf('dialer').writes.length, 22)
  })
})

describe('yamux, for comparison (ADR 0002)', () => {
  it('answers every record with a frame of its own, which is why shaped links do not use it', async () => {
    const torProvider = tor.createProvider()
    const { secretKey, publicKey } = deriveOnionKey(createEd25519Seed())
    const endpoint = { address: onionAddress(publicKey), port: 80 }
    const config = (listen: string[]) => ({
      addresses: { listen },
      transports: [
        onionTransport({
          torProvider,
          publish: (_endpoint, onStream) =>
            torProvider.publishOnion({ secretKey, virtualPort: 80, authorizedClients: [], onStream }),
          isolationFor: () => 'x',
          mode: 'direct',
          coalesce: true,
          announce: false,
        }),
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ enableKeepAlive: false })],
      connectionManager: { resolvers: {} },
      connectionMonitor: { enabled: false },
    })
    const listener = await createLibp2p(config([onionMultiaddr(endpoint).toString()]))
    const dialer = await createLibp2p(config([]))
    let arrived = Promise.withResolvers<void>()
    await listener.handle('/record', (stream) => stream.addEventListener('message', () => arrived.resolve()))
    const connection = await dialer.dial(onionMultiaddr(endpoint))
    const stream = await connection.newStream('/record')
    const frames: number[] = []
    for (let index = 0; index < 100; index += 1) {
      arrived = Promise.withResolvers<void>()
      const before = tapOf('listener').writes.length
      stream.send(new Uint8Array(LANE_RECORD_BYTES))
      await arrived.promise
      // Coalesced writes leave at the end of the turn.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      frames.push(tapOf('listener').writes.length - before)
    }
    await dialer.stop()
    await listener.stop()
    assert.ok(frames.filter((count) => count > 0).length >= 99, frames.join())
  })
})
