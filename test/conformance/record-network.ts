/**
 * What every implementation of the record-network port must do; run over libp2p and over memory.
 * Never relies on how long anything takes.
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isAppError } from '../../src/base/index.ts'
import { createEd25519Seed, createX25519KeyPair, deriveOnionKey, ed25519PublicKey } from '../../src/crypto/index.ts'
import type { DialOptions, ListenOptions, RecordLink, RecordListener, RecordNetwork } from '../../src/ports/index.ts'
import { LANE_RECORD_BYTES } from '../../src/wire/index.ts'

export interface RecordNetworkSetup {
  /** Alice listens, Bob dials. */
  readonly alice: RecordNetwork
  readonly bob: RecordNetwork
  /** Ends every link as a lost circuit does. */
  cut(): void
  tearDown(): Promise<void>
}

const RECORD_BYTES = LANE_RECORD_BYTES
const FLOOD_COUNT = 5_000

/** Everything two ends have agreed on. */
export function agreement(recordBytes = RECORD_BYTES): {
  readonly listen: Omit<ListenOptions, 'onLink'>
  readonly dial: Omit<DialOptions, 'address' | 'signal'>
} {
  const client = createX25519KeyPair()
  const listenerSeed = createEd25519Seed()
  const dialerSeed = createEd25519Seed()
  const both = { protocol: '/noctule/test/1', recordBytes }
  return {
    listen: {
      ...both,
      localSeed: listenerSeed,
      remoteSeed: dialerSeed,
      onionSecretKey: deriveOnionKey(createEd25519Seed()).secretKey,
      authorizedClients: [client.publicKey],
    },
    dial: {
      ...both,
      localSeed: dialerSeed,
      remoteSeed: listenerSeed,
      clientPrivateKey: client.privateKey,
      isolation: 'test',
    },
  }
}

/** An endless supply of what a callback was given. */
export function createInbox<T>(): { put(value: T): void; next(): Promise<T>; readonly count: number } {
  const values: T[] = []
  const waiters: ((value: T) => void)[] = []
  let count = 0
  return {
    put(value) {
      count += 1
      const waiter = waiters.shift()
      if (waiter === undefined) values.push(value)
      else waiter(value)
    },
    async next() {
      const value = values.shift()
      if (value !== undefined) return value
      return new Promise((resolve) => waiters.push(resolve))
    },
    get count() {
      return count
    },
  }
}

export interface OpenLinks {
  readonly listener: RecordListener
  /** Alice's end. */
  readonly near: RecordLink
  /** Bob's end. */
  readonly far: RecordLink
}

export async function openLinks(
  setup: Pick<RecordNetworkSetup, 'alice' | 'bob'>,
  recordBytes = RECORD_BYTES,
): Promise<OpenLinks> {
  const { listen, dial } = agreement(recordBytes)
  const inbox = createInbox<RecordLink>()
  const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
  await listener.published()
  const far = await setup.bob.dial({ ...dial, address: listener.address, signal: new AbortController().signal })
  return { listener, near: await inbox.next(), far }
}

const hasCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    isAppError(error) && (codes.includes(error.code) || assert.fail(`unexpected code ${error.code}`))

export function describeRecordNetwork(name: string, setUp: () => Promise<RecordNetworkSetup>): void {
  describe(`record network: ${name}`, () => {
    let setup: RecordNetworkSetup
    const never = new AbortController().signal

    beforeEach(async () => {
      setup = await setUp()
    })
    afterEach(async () => {
      await setup.alice.stop()
      await setup.bob.stop()
      await setup.tearDown()
    })

    it('carries records both ways, whole and in order', async () => {
      const { near, far } = await openLinks(setup)
      const records = Array.from({ length: 50 }, () => new Uint8Array(randomBytes(RECORD_BYTES)))
      const sending = (async () => {
        for (const record of records) {
          await far.send(record)
          await near.send(record)
        }
      })()
      for (const record of records) {
        assert.deepEqual(await near.receive(), record)
        assert.deepEqual(await far.receive(), record)
      }
      await sending
    })

    it('does not depend on the bytes of a sent record afterwards', async () => {
      const { near, far } = await openLinks(setup)
      const record = new Uint8Array(RECORD_BYTES).fill(7)
      const sent = far.send(record)
      record.fill(0)
      await sent
      assert.deepEqual(await near.receive(), new Uint8Array(RECORD_BYTES).fill(7))
    })

    it('refuses to send a record of another size', async () => {
      const { far } = await openLinks(setup)
      await assert.rejects(far.send(new Uint8Array(RECORD_BYTES - 1)), RangeError)
      await assert.rejects(far.send(new Uint8Array(RECORD_BYTES + 1)), RangeError)
    })

    for (const closer of ['near', 'far'] as const) {
      it(`ends both ends when the ${closer} one closes`, async () => {
        const links = await openLinks(setup)
        const other = closer === 'near' ? links.far : links.near
        const received = other.receive()
        await links[closer].close()
        await links[closer].close()
        await links[closer].closed
        await other.closed
        assert.equal(await received, undefined)
        assert.equal(await other.receive(), undefined)
        await assert.rejects(other.send(new Uint8Array(RECORD_BYTES)), hasCode('LINK_CLOSED'))
        await assert.rejects(links[closer].send(new Uint8Array(RECORD_BYTES)), hasCode('LINK_CLOSED'))
      })
    }

    it('gives out what was received before the end', async () => {
      const { near, far } = await openLinks(setup)
      for (let index = 0; index < 10; index += 1) await far.send(new Uint8Array(RECORD_BYTES).fill(index))
      await far.close()
      await near.closed
      for (let index = 0; index < 10; index += 1) {
        assert.deepEqual(await near.receive(), new Uint8Array(RECORD_BYTES).fill(index))
      }
      assert.equal(await near.receive(), undefined)
    })

    it('ends both ends of a link that is lost', async () => {
      const { near, far } = await openLinks(setup)
      setup.cut()
      await Promise.all([near.closed, far.closed])
      assert.equal(await near.receive(), undefined)
      assert.equal(await far.receive(), undefined)
    })

    it('makes a flooding sender wait, and loses nothing', async () => {
      const { near, far } = await openLinks(setup)
      let sent = 0
      const flooding = (async () => {
        for (let index = 0; index < FLOOD_COUNT; index += 1) {
          const record = new Uint8Array(RECORD_BYTES)
          new DataView(record.buffer).setUint32(0, index)
          await far.send(record)
          sent += 1
        }
      })()
      // Nobody receives: the count must come to rest before the end.
      for (let before = -1; before !== sent; ) {
        before = sent
        for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      }
      assert.ok(sent > 0 && sent < FLOOD_COUNT, `sent ${sent}`)
      for (let index = 0; index < FLOOD_COUNT; index += 1) {
        const record = await near.receive()
        assert.ok(record !== undefined, `ended after ${index}`)
        assert.equal(new DataView(record.buffer, record.byteOffset).getUint32(0), index)
      }
      await flooding
    })

    it('lets the same dialer come back', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
      await listener.published()
      for (let round = 0; round < 3; round += 1) {
        const far = await setup.bob.dial({ ...dial, address: listener.address, signal: never })
        const near = await inbox.next()
        await far.send(new Uint8Array(RECORD_BYTES).fill(round))
        assert.deepEqual(await near.receive(), new Uint8Array(RECORD_BYTES).fill(round))
        await far.close()
        await near.closed
      }
    })

    it('admits any dialer when the listener expects nobody in particular', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const listener = await setup.alice.listen({ ...listen, remoteSeed: undefined, onLink: inbox.put })
      await listener.published()
      const stranger = { ...dial, localSeed: createEd25519Seed(), address: listener.address, signal: never }
      const far = await setup.bob.dial(stranger)
      await far.send(new Uint8Array(RECORD_BYTES).fill(9))
      assert.deepEqual(await (await inbox.next()).receive(), new Uint8Array(RECORD_BYTES).fill(9))
    })

    it('says whom the handshake proved, at both ends', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
      await listener.published()
      const far = await setup.bob.dial({ ...dial, address: listener.address, signal: never })
      assert.deepEqual(far.remoteKey, ed25519PublicKey(listen.localSeed))
      assert.deepEqual((await inbox.next()).remoteKey, ed25519PublicKey(dial.localSeed))
    })

    it('takes the public key of the other side in place of its seed', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const keyed = { remoteSeed: undefined, remoteKey: ed25519PublicKey(dial.localSeed) }
      const listener = await setup.alice.listen({ ...listen, ...keyed, onLink: inbox.put })
      await listener.published()
      const target = { ...dial, remoteSeed: undefined, address: listener.address, signal: never }
      const known = { ...target, remoteKey: ed25519PublicKey(listen.localSeed) }
      const far = await setup.bob.dial(known)
      await far.send(new Uint8Array(RECORD_BYTES).fill(3))
      assert.deepEqual(await (await inbox.next()).receive(), new Uint8Array(RECORD_BYTES).fill(3))
      const stranger = await setup.bob.dial({ ...known, localSeed: createEd25519Seed() })
      await stranger.closed
      assert.equal(inbox.count, 1)
      const wrong = { ...target, remoteKey: ed25519PublicKey(createEd25519Seed()) }
      await assert.rejects(setup.bob.dial(wrong), hasCode('LINK_PEER_UNEXPECTED'))
    })

    it('dials nobody without knowing whom, or knowing it twice', async () => {
      const { listen, dial } = agreement()
      const listener = await setup.alice.listen({ ...listen, onLink: () => assert.fail('no link was wanted') })
      const target = { ...dial, address: listener.address, signal: never }
      await assert.rejects(setup.bob.dial({ ...target, remoteSeed: undefined }), RangeError)
      await assert.rejects(setup.bob.dial({ ...target, remoteKey: ed25519PublicKey(listen.localSeed) }), RangeError)
    })

    it('lets everybody read the descriptor of an open listener', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const open = { ...listen, authorizedClients: [], remoteSeed: undefined, proofOfWork: true }
      const listener = await setup.alice.listen({ ...open, onLink: inbox.put })
      await listener.published()
      const keyless = { ...dial, clientPrivateKey: undefined, localSeed: createEd25519Seed() }
      const far = await setup.bob.dial({ ...keyless, address: listener.address, signal: never })
      await far.send(new Uint8Array(RECORD_BYTES).fill(5))
      assert.deepEqual(await (await inbox.next()).receive(), new Uint8Array(RECORD_BYTES).fill(5))
    })

    it('refuses links beyond the number of its listener, and takes one again when another has ended', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const open = { ...listen, remoteSeed: undefined, linksMaxCount: 2 }
      const listener = await setup.alice.listen({ ...open, onLink: inbox.put })
      await listener.published()
      const dialOnce = () =>
        setup.bob.dial({ ...dial, localSeed: createEd25519Seed(), address: listener.address, signal: never })
      const first = await dialOnce()
      const near = await inbox.next()
      await dialOnce()
      await inbox.next()
      await (await dialOnce()).closed
      assert.equal(inbox.count, 2)
      await first.close()
      await near.closed
      const again = await dialOnce()
      await again.send(new Uint8Array(RECORD_BYTES).fill(6))
      assert.deepEqual(await (await inbox.next()).receive(), new Uint8Array(RECORD_BYTES).fill(6))
      assert.equal(inbox.count, 3)
    })

    it('turns a dialer with another identity away', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
      await listener.published()
      const stranger = { ...dial, localSeed: createEd25519Seed(), address: listener.address, signal: never }
      const far = await setup.bob.dial(stranger)
      await far.closed
      assert.equal(await far.receive(), undefined)
      assert.equal(inbox.count, 0)
    })

    it('does not stay with a listener of another identity', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
      await listener.published()
      const wrong = { ...dial, remoteSeed: createEd25519Seed(), address: listener.address, signal: never }
      await assert.rejects(setup.bob.dial(wrong), hasCode('LINK_PEER_UNEXPECTED'))
      assert.equal(inbox.count, 0)
    })

    for (const [what, change] of [
      ['protocol', { protocol: '/noctule/test/2' }],
      ['record size', { recordBytes: RECORD_BYTES + 1 }],
    ] as const) {
      it(`fails when the ends disagree on the ${what}`, async () => {
        const { listen, dial } = agreement()
        const inbox = createInbox<RecordLink>()
        const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
        await listener.published()
        const other = { ...dial, ...change, address: listener.address, signal: never }
        await assert.rejects(setup.bob.dial(other), hasCode('LINK_PEER_UNEXPECTED'))
        assert.equal(inbox.count, 0)
      })
    }

    it('does not reach a listener without the key of its descriptor, nor one that was closed', async () => {
      const { listen, dial } = agreement()
      const inbox = createInbox<RecordLink>()
      const listener = await setup.alice.listen({ ...listen, onLink: inbox.put })
      await listener.published()
      const target = { ...dial, address: listener.address, signal: never }
      const foreign = { ...target, clientPrivateKey: createX25519KeyPair().privateKey }
      // Over Tor the provider tells why, and not always the same: that depends on what tor has cached.
      const unreachable = (error: unknown): boolean =>
        isAppError(error) && (error.code === 'LINK_SETUP_FAILED' || error.code.startsWith('TOR_'))
      await assert.rejects(setup.bob.dial(foreign), unreachable)
      await (await setup.bob.dial(target)).close()
      await listener.close()
      await listener.close()
      await assert.rejects(setup.bob.dial(target), unreachable)
    })

    it('closes the links of a listener with it', async () => {
      const { listener, near, far } = await openLinks(setup)
      await listener.close()
      await Promise.all([near.closed, far.closed])
    })

    it('passes the reason of an aborted dial on', async () => {
      const { listen, dial } = agreement()
      const listener = await setup.alice.listen({ ...listen, onLink: () => assert.fail('no link was wanted') })
      await listener.published()
      const reason = new DOMException('enough', 'AbortError')
      const target = { ...dial, address: listener.address }
      await assert.rejects(
        setup.bob.dial({ ...target, signal: AbortSignal.abort(reason) }),
        (error) => error === reason,
      )
    })

    it('ends everything when it is stopped, and does nothing afterwards', async () => {
      const { near, far } = await openLinks(setup)
      const { listen, dial } = agreement()
      await setup.bob.stop()
      await Promise.all([near.closed, far.closed])
      await setup.alice.stop()
      await setup.alice.stop()
      const stopped = hasCode('TRANSPORT_STOPPED')
      await assert.rejects(setup.alice.listen({ ...listen, onLink: () => undefined }), stopped)
      const address = 'a'.repeat(56) as DialOptions['address']
      await assert.rejects(setup.bob.dial({ ...dial, address, signal: never }), stopped)
    })
  })
}
