/** What a broken or hostile host can send to a mesh, and what a mesh tells about itself. @module */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createEd25519Seed } from '../../../src/crypto/index.ts'
import type { HostMesh, MeshRequest } from '../../../src/ports/index.ts'
import { createHostMesh, ONION_VIRTUAL_PORT, onionMultiaddr, onionTransport } from '../../../src/transport/index.ts'
import {
  encodeMeshFrame,
  FRAME_HEADER_BYTES,
  FRAME_REFUSAL,
  FRAME_REQUEST,
  FRAME_RESPONSE,
} from '../../../src/transport/mesh/mesh-frame.ts'
import {
  MESH_KAD_PROTOCOL,
  MESH_PROTOCOL,
  MESH_SERVED_MAX_COUNT,
  MESH_STRANGERS_MAX_COUNT,
} from '../../../src/transport/mesh/options.ts'
import { peerIdOfKey, transportKey } from '../../../src/transport/peer-identity.ts'
import { MESH_BODY_MAX_BYTES, onionAddress } from '../../../src/wire/index.ts'
import { createHostKeys, type HostKeys, TEST_RULES } from '../../conformance/host-mesh.ts'
import { createLoopbackTor, type LoopbackTor } from '../../support/loopback-tor.ts'
import { silentLogger } from '../../support/silent-logger.ts'
import { systemClock } from '../tor/support.ts'

const TIMEOUT_MS = 4_000
const never = new AbortController().signal
const turn = () => new Promise((resolve) => setImmediate(resolve))

let tor: LoopbackTor
let meshes: HostMesh[]
let rogues: Libp2p[]

beforeEach(async () => {
  tor = await createLoopbackTor()
  meshes = []
  rogues = []
})
afterEach(async () => {
  for (const rogue of rogues) await rogue.stop()
  for (const mesh of meshes) await mesh.stop()
  await tor.stop()
})

async function openMesh(handler: (request: MeshRequest) => Promise<Uint8Array | undefined>) {
  const keys = createHostKeys()
  const mesh = await createHostMesh({
    ...TEST_RULES,
    torProvider: tor.createProvider(),
    logger: silentLogger,
    clock: systemClock,
    hostSeed: keys.hostSeed,
    meshOnionSecretKey: keys.meshOnionSecretKey,
    meshTimeoutMs: TIMEOUT_MS,
  })
  meshes.push(mesh)
  mesh.serve(handler)
  await mesh.start()
  return { mesh, keys }
}

const targetOf = (keys: HostKeys) =>
  onionMultiaddr({ address: onionAddress(keys.meshOnionKey), port: ONION_VIRTUAL_PORT }, peerIdOfKey(keys.hostKey))

/** A host whose libp2p sends what it likes. */
async function openRogue(keys: HostKeys): Promise<Connection> {
  const rogue = await createLibp2p({
    privateKey: await transportKey(createEd25519Seed()),
    transports: [
      onionTransport({
        torProvider: tor.createProvider(),
        isolationFor: () => 'rogue',
        mode: 'negotiated',
        coalesce: true,
        announce: false,
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
    services: { identify: identify({ protocolPrefix: 'noctule', runOnConnectionOpen: false }) },
  })
  rogues.push(rogue)
  return rogue.dial(targetOf(keys))
}

const closed = (connection: Connection) =>
  new Promise<void>((resolve) => {
    if (connection.status !== 'open') return resolve()
    connection.addEventListener('close', () => resolve())
  })

const frame = (kind: number, id: number, bytes: number): Uint8Array =>
  encodeMeshFrame({ kind: kind as typeof FRAME_REQUEST, operation: 0, id, body: new Uint8Array(bytes) })

const header = (kind: number, operation: number, id: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, kind)
  view.setUint8(1, operation)
  view.setUint32(2, id)
  view.setUint16(6, length)
  return bytes
}

/** An honest host is served still. */
async function assertServes(keys: HostKeys): Promise<void> {
  const { mesh } = await openMesh(async () => undefined)
  mesh.addPeer(keys)
  assert.deepEqual(await mesh.request(keys.hostKey, 200, Uint8Array.of(1), never), Uint8Array.of(1))
}

const echo = async ({ body }: MeshRequest) => body

describe('a mesh', () => {
  const garbage: readonly (readonly [string, Uint8Array])[] = [
    ['random bytes', Uint8Array.from(randomBytes(300)).fill(0, 0, 1)],
    ['a kind that does not exist', header(4, 0, 0, 0)],
    ['a length above the longest', header(FRAME_REQUEST, 1, 0, MESH_BODY_MAX_BYTES + 1)],
    ['a refusal with a body', header(FRAME_REFUSAL, 0, 0, 1)],
    ['a response with an operation', header(FRAME_RESPONSE, 1, 0, 0)],
    ['a response to nothing', frame(FRAME_RESPONSE, 0, 10)],
    ['a refusal of nothing', frame(FRAME_REFUSAL, 7, 0)],
  ]
  for (const [what, bytes] of garbage) {
    it(`ends the connection of a host that sends ${what}, and serves others`, async () => {
      const served: MeshRequest[] = []
      const { keys } = await openMesh(async (request) => {
        served.push(request)
        return request.body
      })
      const connection = await openRogue(keys)
      const stream = await connection.newStream([MESH_PROTOCOL])
      // The control: a right frame before it is served.
      stream.send(frame(FRAME_REQUEST, 0, 5))
      while (served.length === 0) await turn()
      stream.send(bytes)
      await closed(connection)
      assert.equal(served.length, 1)
      await assertServes(keys)
    })
  }

  it('puts frames together that come in pieces', async () => {
    const { keys } = await openMesh(echo)
    const connection = await openRogue(keys)
    const stream = await connection.newStream([MESH_PROTOCOL])
    const answers: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => answers.push(data.subarray()))
    for (const byte of frame(FRAME_REQUEST, 3, 20)) {
      stream.send(Uint8Array.of(byte))
      await turn()
    }
    while (Buffer.concat(answers).length < FRAME_HEADER_BYTES + 20) await turn()
    assert.deepEqual(new Uint8Array(Buffer.concat(answers)), frame(FRAME_RESPONSE, 3, 20))
  })

  it('serves a bounded number of requests of one host, however many streams it opens', async () => {
    let active = 0
    const gate = Promise.withResolvers<void>()
    const { keys } = await openMesh(async ({ operation, body }) => {
      if (operation === 200) return body
      active += 1
      await gate.promise
      return body
    })
    const connection = await openRogue(keys)
    const refusals: Uint8Array[] = []
    const streams = await Promise.all([connection.newStream([MESH_PROTOCOL]), connection.newStream([MESH_PROTOCOL])])
    for (const stream of streams) {
      stream.addEventListener('message', ({ data }) => {
        refusals.push(data.subarray())
      })
      for (let id = 0; id < MESH_SERVED_MAX_COUNT; id += 1) stream.send(frame(FRAME_REQUEST, id, 1))
    }
    while (Buffer.concat(refusals).length < MESH_SERVED_MAX_COUNT * FRAME_HEADER_BYTES) await turn()
    assert.equal(active, MESH_SERVED_MAX_COUNT)
    assert.equal(connection.status, 'open')
    await assertServes(keys)
    gate.resolve()
  })

  it('keeps a bounded number of connections with strangers, and those with known hosts', async () => {
    const { mesh, keys } = await openMesh(echo)
    const known = await openMesh(echo)
    mesh.addPeer(known.keys)
    assert.deepEqual(await mesh.request(known.keys.hostKey, 200, Uint8Array.of(1), never), Uint8Array.of(1))
    const dialsToKnown = () =>
      tor.dials.filter(({ address }) => address === onionAddress(known.keys.meshOnionKey)).length
    const dialsBefore = dialsToKnown()
    const first = await openRogue(keys)
    const [rogue] = rogues
    assert.ok(rogue !== undefined)
    for (let count = 1; count < MESH_STRANGERS_MAX_COUNT; count += 1) await rogue.dial(targetOf(keys), { force: true })
    assert.equal(first.status, 'open', 'control: not one too many yet')
    await rogue.dial(targetOf(keys), { force: true })
    await closed(first)
    assert.ok(rogue.getConnections().length <= MESH_STRANGERS_MAX_COUNT)
    assert.deepEqual(await mesh.request(known.keys.hostKey, 200, Uint8Array.of(2), never), Uint8Array.of(2))
    assert.equal(dialsToKnown(), dialsBefore, 'over the connection that there was')
  })

  it('ends a host that asks and does not read', async () => {
    const { keys } = await openMesh(async ({ operation, body }) =>
      operation === 200 ? body : new Uint8Array(MESH_BODY_MAX_BYTES),
    )
    const connection = await openRogue(keys)
    const stream = await connection.newStream([MESH_PROTOCOL])
    const near = tor.taps.find(({ side }) => side === 'listener')?.socket
    tor.taps.find(({ side }) => side === 'dialer')?.socket.pause()
    for (let id = 0; id < MESH_SERVED_MAX_COUNT; id += 1) stream.send(frame(FRAME_REQUEST, id, 1))
    assert.ok(near !== undefined)
    while (!near.destroyed) await turn()
    await assertServes(keys)
  })

  it('ends a stream that brings the DHT more than it can need', async () => {
    const { keys } = await openMesh(echo)
    const connection = await openRogue(keys)
    const stream = await connection.newStream([MESH_KAD_PROTOCOL])
    const ended = new Promise<void>((resolve) => stream.addEventListener('close', () => resolve()))
    // A length of 4,000,000, then as much of it as is taken.
    stream.send(Uint8Array.of(0x80, 0x92, 0xf4, 0x01))
    for (let sent = 0; stream.status === 'open' && sent < 200_000; sent += 1_000) {
      stream.send(new Uint8Array(1_000))
      await turn()
    }
    await ended
    assert.equal(connection.status, 'open')
    await assertServes(keys)
  })

  it('tells a constant and its onion, and nothing else', async () => {
    const { keys } = await openMesh(echo)
    const connection = await openRogue(keys)
    const service = rogues[0]?.services['identify'] as { identify(connection: Connection): Promise<object> }
    const told = (await service.identify(connection)) as Record<string, unknown>
    assert.equal(told['agentVersion'], 'noctule/1')
    assert.equal(told['protocolVersion'], 'noctule/0.1.0')
    assert.equal(told['observedAddr'], undefined)
    assert.deepEqual((told['listenAddrs'] as readonly object[]).map(String), [
      `/onion3/${onionAddress(keys.meshOnionKey)}:${ONION_VIRTUAL_PORT}`,
    ])
    assert.deepEqual([...(told['protocols'] as readonly string[])].sort(), [
      '/noctule/id/1.0.0',
      MESH_KAD_PROTOCOL,
      MESH_PROTOCOL,
      '/noctule/ping/1.0.0',
    ])
  })

  it('dials with a token of its own, and no two meshes with the same', async () => {
    const { keys } = await openMesh(echo)
    await assertServes(keys)
    await assertServes(keys)
    const tokens = new Set(tor.dials.map(({ isolation }) => isolation))
    assert.equal(tor.dials.length >= 2, true)
    assert.equal(tokens.size, 2)
    for (const token of tokens) assert.match(token, /^mesh-[0-9a-f]{16}$/)
  })

  it('takes no address but an onion from identify, whatever a host says', async () => {
    const { mesh, keys } = await openMesh(echo)
    const rogue = await openRogue(keys)
    await rogues[0]?.peerStore.merge(rogues[0].peerId, { multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/4001')] })
    const stream = await rogue.newStream([MESH_PROTOCOL])
    stream.send(frame(FRAME_REQUEST, 0, 1))
    assert.deepEqual(await mesh.crawl(never), [])
  })
})
