/** What a stranger or a broken peer can send to a listener, and what an instance refuses by itself. @module */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { isAppError } from '../../../src/base/index.ts'
import { createEd25519Seed, createX25519KeyPair } from '../../../src/crypto/index.ts'
import type { OnionAddress, RecordLink, RecordNetwork, TorProvider } from '../../../src/ports/index.ts'
import {
  createRecordNetwork,
  ONION_VIRTUAL_PORT,
  onionMultiaddr,
  onionTransport,
} from '../../../src/transport/index.ts'
import { createLinkInstance } from '../../../src/transport/link-instance.ts'
import { LISTENER_MAX_PENDING } from '../../../src/transport/options.ts'
import { transportPeerId } from '../../../src/transport/peer-identity.ts'
import { LANE_RECORD_BYTES } from '../../../src/wire/index.ts'
import { agreement, createInbox } from '../../conformance/record-network.ts'
import { createLoopbackTor, type LoopbackTor } from '../../support/loopback-tor.ts'
import { silentLogger } from '../../support/silent-logger.ts'

const RECORD_BYTES = LANE_RECORD_BYTES
const never = new AbortController().signal

let tor: LoopbackTor
let provider: TorProvider
let alice: RecordNetwork
let bob: RecordNetwork

beforeEach(async () => {
  tor = await createLoopbackTor()
  provider = tor.createProvider()
  alice = createRecordNetwork({ torProvider: tor.createProvider(), logger: silentLogger })
  bob = createRecordNetwork({ torProvider: provider, logger: silentLogger })
})
afterEach(async () => {
  await alice.stop()
  await bob.stop()
  await tor.stop()
})

/** A listener, and what is needed to meet it as a contact or as a stranger with the descriptor's key. */
async function listenOnce() {
  const { listen, dial } = agreement()
  const inbox = createInbox<RecordLink>()
  const listener = await alice.listen({ ...listen, onLink: inbox.put })
  const target = { ...dial, address: listener.address, signal: never }
  return { listener, inbox, target }
}

async function rawStream(address: OnionAddress, clientKey: Uint8Array | undefined): Promise<Duplex> {
  assert.ok(clientKey !== undefined)
  await provider.authorizeClient(address, clientKey)
  const stream = await provider.connect(address, ONION_VIRTUAL_PORT, { isolation: 'raw', signal: never })
  stream.on('error', () => undefined)
  return stream
}

/** A contact whose libp2p sends what it likes. */
async function rogueStream(target: Parameters<RecordNetwork['dial']>[0]) {
  const { clientPrivateKey, remoteSeed } = target
  assert.ok(clientPrivateKey !== undefined && remoteSeed !== undefined)
  await provider.authorizeClient(target.address, clientPrivateKey)
  const transport = onionTransport({
    torProvider: provider,
    isolationFor: () => 'rogue',
    mode: 'direct',
    coalesce: false,
    announce: false,
  })
  const instance = await createLinkInstance({
    link: target,
    direction: 'outbound',
    transport,
    listen: [],
    logger: silentLogger,
  })
  await instance.start()
  const peerId = await transportPeerId(remoteSeed)
  const connection = await instance.dial(onionMultiaddr({ address: target.address, port: ONION_VIRTUAL_PORT }, peerId))
  return { instance, stream: await connection.newStream([target.protocol]) }
}

describe('a listener', () => {
  for (const bytes of [1, 2, 34, RECORD_BYTES, 70_000]) {
    it(`drops a stranger that sends ${bytes} random bytes, and goes on`, async () => {
      const { inbox, target } = await listenOnce()
      const stream = await rawStream(target.address, target.clientPrivateKey)
      // An impossible first message of Noise, so that it is not waited for.
      stream.end(Buffer.concat([Buffer.from([0, 5]), randomBytes(bytes)]))
      stream.resume()
      await new Promise<void>((resolve) => stream.once('close', () => resolve()))
      const link = await bob.dial(target)
      await link.send(new Uint8Array(RECORD_BYTES).fill(1))
      assert.equal((await (await inbox.next()).receive())?.[0], 1)
      assert.equal(inbox.count, 1)
    })
  }

  it('never answers a stranger before a whole first message', async () => {
    const { target } = await listenOnce()
    const stream = await rawStream(target.address, target.clientPrivateKey)
    stream.write(Buffer.concat([Buffer.from([0, 32]), randomBytes(31)]))
    const tap = () => tor.taps.find(({ side }) => side === 'listener')
    while (tap()?.socket.bytesRead !== 33) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(tap()?.writes, [])
    stream.destroy()
  })

  it('holds a bounded number of strangers', async () => {
    const { target } = await listenOnce()
    const streams: Duplex[] = []
    for (let index = 0; index < LISTENER_MAX_PENDING + 3; index += 1) {
      streams.push(await rawStream(target.address, target.clientPrivateKey))
    }
    const closed = () => tor.taps.filter(({ side, socket }) => side === 'listener' && socket.destroyed).length
    while (closed() < 3) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closed(), 3)
    for (const stream of streams) stream.destroy()
    // When they are gone there is room again.
    while (closed() < LISTENER_MAX_PENDING + 3) await new Promise((resolve) => setImmediate(resolve))
    await (await bob.dial(target)).close()
  })

  it('lets a contact in past strangers who hold their streams open', async () => {
    const { target } = await listenOnce()
    const streams: Duplex[] = []
    for (let index = 0; index < LISTENER_MAX_PENDING; index += 1) {
      streams.push(await rawStream(target.address, target.clientPrivateKey))
    }
    const accepted = () => tor.taps.filter(({ side }) => side === 'listener').length
    while (accepted() < LISTENER_MAX_PENDING) await new Promise((resolve) => setImmediate(resolve))
    await (await bob.dial(target)).close()
    for (const stream of streams) stream.destroy()
  })

  it('makes a contact that floods wait, however slowly its records are taken', async () => {
    const { inbox, target } = await listenOnce()
    const link = await bob.dial(target)
    const near = await inbox.next()
    const count = 6_000
    const flooding = (async () => {
      for (let index = 0; index < count; index += 1) await link.send(new Uint8Array(RECORD_BYTES).fill(index & 255))
    })()
    const tap = tor.taps.find(({ side }) => side === 'listener')
    for (let index = 0; index < count; index += 1) {
      // Room for every layer to read on, if it does not hold back.
      for (let turn = 0; turn < (index % 8 === 0 ? 4 : 0); turn += 1)
        await new Promise((resolve) => setImmediate(resolve))
      const record = await near.receive()
      assert.equal(record?.[0], index & 255, `record ${index}`)
      const heldBytes = (tap?.socket.bytesRead ?? 0) - index * RECORD_BYTES
      assert.ok(heldBytes < 400_000, `${heldBytes} bytes held at record ${index}`)
    }
    await flooding
  })

  for (const bytes of [1, RECORD_BYTES - 1, RECORD_BYTES + 1]) {
    it(`ends the link of a contact that sends ${bytes} bytes as a record`, async () => {
      const { inbox, target } = await listenOnce()
      const { instance, stream } = await rogueStream(target)
      const link = await inbox.next()
      stream.send(new Uint8Array(RECORD_BYTES).fill(3))
      Object.assign(stream, { maxMessageSize: bytes })
      stream.send(new Uint8Array(bytes))
      await link.closed
      assert.equal((await link.receive())?.[0], 3)
      assert.equal(await link.receive(), undefined)
      await instance.stop()
    })
  }

  it('ends the link when a byte of a record is changed on the way', async () => {
    const { inbox, target } = await listenOnce()
    const link = await bob.dial(target)
    const near = await inbox.next()
    const tap = tor.taps.find(({ side }) => side === 'dialer')
    assert.ok(tap !== undefined)
    const { socket } = tap
    const write = socket.write.bind(socket)
    socket.write = (bytes: Uint8Array | string) =>
      write(Uint8Array.from(Buffer.from(bytes), (byte, at) => (at === 100 ? byte ^ 1 : byte)))
    await link.send(new Uint8Array(RECORD_BYTES))
    await near.closed
    assert.equal(await near.receive(), undefined)
  })
})

describe('an open listener', () => {
  for (const [linksMaxCount, pendingCount] of [
    [undefined, LISTENER_MAX_PENDING],
    [64, 16],
  ] as const) {
    it(`holds ${pendingCount} strangers with ${linksMaxCount ?? 'the usual number of'} links, and asks for work`, async () => {
      const { listen } = agreement()
      const asked: unknown[] = []
      const asking: TorProvider = {
        ...provider,
        publishOnion(options) {
          asked.push(options.proofOfWork)
          return provider.publishOnion(options)
        },
      }
      const network = createRecordNetwork({ torProvider: asking, logger: silentLogger })
      const listener = await network.listen({
        ...listen,
        authorizedClients: [],
        proofOfWork: true,
        ...(linksMaxCount === undefined ? {} : { linksMaxCount }),
        onLink: () => undefined,
      })
      assert.deepEqual(asked, [true])
      for (let index = 0; index < pendingCount + 2; index += 1) {
        const stream = await provider.connect(listener.address, ONION_VIRTUAL_PORT, { isolation: 'x', signal: never })
        stream.on('error', () => undefined)
      }
      const closed = () => tor.taps.filter(({ side, socket }) => side === 'listener' && socket.destroyed).length
      while (closed() < 2) await new Promise((resolve) => setImmediate(resolve))
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(closed(), 2)
      await network.stop()
    })
  }
})

describe('a stop', () => {
  it('waits for what is being opened, and leaves nothing of it', async () => {
    const { listen } = agreement()
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    let closed = 0
    const slow: TorProvider = {
      ...provider,
      async publishOnion(options) {
        asked.resolve()
        await answer.promise
        const service = await provider.publishOnion(options)
        return { ...service, close: async () => void (await service.close(), (closed += 1)) }
      },
    }
    const network = createRecordNetwork({ torProvider: slow, logger: silentLogger })
    const listening = network.listen({ ...listen, onLink: () => undefined })
    await asked.promise
    let stopped = false
    const stopping = network.stop().then(() => {
      stopped = true
    })
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(stopped, false)
    answer.resolve()
    await assert.rejects(listening, (error) => isAppError(error, 'TRANSPORT_STOPPED'))
    await stopping
    assert.ok(closed > 0)
  })
})

describe('an instance', () => {
  it('dials nothing but the onion address of its peer', async () => {
    const { target } = await listenOnce()
    const { instance } = await rogueStream(target)
    const stranger = await transportPeerId(createEd25519Seed())
    const dialsBefore = tor.dials.length
    for (const text of [
      '/dnsaddr/example.invalid',
      '/ip4/127.0.0.1/tcp/4001',
      `/onion3/${target.address}:80/p2p/${stranger.toString()}`,
      `/onion3/${'a'.repeat(56)}:80`,
    ]) {
      await assert.rejects(instance.dial(multiaddr(text)), text)
    }
    assert.equal(tor.dials.length, dialsBefore)
    await instance.stop()
  })

  it('speaks no protocol but its own, and has no monitor or service', async () => {
    const { target } = await listenOnce()
    const { instance } = await rogueStream(target)
    assert.deepEqual(instance.getProtocols(), [])
    assert.deepEqual(Object.keys(instance.services), [])
    const { components } = instance as unknown as { components: { components: Record<string, unknown> } }
    const names = Object.keys(components.components ?? components)
    for (const name of ['connectionMonitor', 'metrics', 'identify', 'ping', 'dns']) {
      assert.ok(!names.includes(name) || (components.components ?? {})[name] === undefined, name)
    }
    await instance.stop()
  })
})

describe('a dial', () => {
  it('is isolated, optimistic, and takes its client key back', async () => {
    const { target } = await listenOnce()
    const link = await bob.dial({ ...target, isolation: 'lane 17' })
    assert.deepEqual(tor.dials, [{ address: target.address, isolation: 'lane 17', optimistic: true }])
    assert.equal(tor.clientKeyCount(), 1)
    await link.close()
    assert.equal(tor.clientKeyCount(), 0)
    await assert.rejects(bob.dial({ ...target, clientPrivateKey: createX25519KeyPair().privateKey }))
    assert.equal(tor.clientKeyCount(), 0)
  })

  it('asks tor for no client key where everybody may read the descriptor', async () => {
    const { listen, dial } = agreement()
    const listener = await alice.listen({ ...listen, authorizedClients: [], onLink: () => undefined })
    const refusing: TorProvider = { ...provider, authorizeClient: () => assert.fail('a key was given to tor') }
    const network = createRecordNetwork({ torProvider: refusing, logger: silentLogger })
    const target = { ...dial, address: listener.address, signal: never }
    await (await network.dial({ ...target, clientPrivateKey: undefined })).close()
    // The control: with a key it does.
    await assert.rejects(network.dial(target), assert.AssertionError)
    await network.stop()
  })

  it('ends at once when it is aborted under way', async () => {
    const { target } = await listenOnce()
    const abort = new AbortController()
    const dialing = bob.dial({ ...target, signal: abort.signal })
    while (tor.dials.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const reason = new DOMException('enough', 'AbortError')
    abort.abort(reason)
    await assert.rejects(dialing, (error) => error === reason)
    assert.equal(tor.clientKeyCount(), 0)
  })
})
