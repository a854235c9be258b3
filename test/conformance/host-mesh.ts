/**
 * What every implementation of the host-mesh port must do; run over memory in virtual time, over libp2p, and over Tor.
 * Never relies on how long anything takes: whoever has to wait waits through the setup.
 * @module
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { equalBytes, isAppError } from '../../src/base/index.ts'
import { createEd25519Seed, deriveOnionKey, ed25519PublicKey } from '../../src/crypto/index.ts'
import type { HostMesh, MeshPeer, MeshRequest, OnionSecretKey } from '../../src/ports/index.ts'
import type { RecordRules } from '../../src/transport/index.ts'
import { MESH_REQUESTS_MAX_COUNT } from '../../src/transport/mesh/options.ts'
import { MESH_BODY_MAX_BYTES } from '../../src/wire/index.ts'

export interface HostKeys extends MeshPeer {
  readonly hostSeed: Uint8Array
  readonly meshOnionSecretKey: OnionSecretKey
}

export interface HostMeshSetup {
  /** A mesh that is not started yet. */
  createMesh(keys: HostKeys, rules: RecordRules): Promise<HostMesh>
  /** Lets time pass until the task has ended. */
  pass<T>(task: Promise<T>): Promise<T>
  /** Lets the longest backoff pass. */
  passBackoff(): Promise<void>
  /** Ends every connection as lost circuits do. */
  cut(): void
  tearDown(): Promise<void>
}

export function createHostKeys(): HostKeys {
  const hostSeed = createEd25519Seed()
  const { secretKey, publicKey } = deriveOnionKey(createEd25519Seed())
  return { hostSeed, hostKey: ed25519PublicKey(hostSeed), meshOnionKey: publicKey, meshOnionSecretKey: secretKey }
}

/** A record of this suite: a mark, the host's key, and how new it is. */
export const testRecord = (hostKey: Uint8Array, serial: number): Uint8Array => Uint8Array.of(7, serial, ...hostKey)

export const TEST_RULES: RecordRules = {
  validateRecord: async (hostKey, value) => value[0] === 7 && equalBytes(value.subarray(2), hostKey),
  selectRecord: (values) => {
    const serials = values.map((value) => value[1] ?? 0)
    return serials.indexOf(Math.max(...serials))
  },
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    isAppError(error, code) || assert.fail(`not ${code}: ${isAppError(error) ? error.code : String(error)}`)

type Handler = (request: MeshRequest) => Promise<Uint8Array | undefined>

const echo: Handler = async ({ operation, body }) => Uint8Array.of(operation, ...body)

export function describeHostMesh(name: string, setUp: () => Promise<HostMeshSetup>): void {
  describe(`host mesh: ${name}`, () => {
    const never = new AbortController().signal
    let setup: HostMeshSetup
    let meshes: HostMesh[]

    const open = async (handler: Handler | undefined = echo, rules = TEST_RULES, keys = createHostKeys()) => {
      const mesh = await setup.createMesh(keys, rules)
      meshes.push(mesh)
      if (handler !== undefined) mesh.serve(handler)
      await mesh.start()
      await setup.pass(mesh.published())
      return { mesh, keys }
    }
    /** Alice knows Bob; Bob does not know Alice. */
    const pair = async (handler?: Handler) => {
      const [alice, bob] = await Promise.all([open(), open(handler)])
      alice.mesh.addPeer(bob.keys)
      const ask = (operation: number, body = new Uint8Array(), signal = never) =>
        setup.pass(alice.mesh.request(bob.keys.hostKey, operation, body, signal))
      return { alice, bob, ask }
    }

    beforeEach(async () => {
      setup = await setUp()
      meshes = []
    })
    afterEach(async () => {
      await setup.pass(Promise.all(meshes.map((mesh) => mesh.stop())))
      await setup.tearDown()
    })

    it('carries a request and its response, and says who asked', async () => {
      const asked: MeshRequest[] = []
      const { alice, ask } = await pair(async (request) => {
        asked.push(request)
        return echo(request)
      })
      assert.deepEqual(await ask(17, Uint8Array.of(1, 2, 3)), Uint8Array.of(17, 1, 2, 3))
      assert.deepEqual(await ask(0), Uint8Array.of(0))
      assert.deepEqual(
        asked.map(({ operation }) => operation),
        [17, 0],
      )
      for (const { hostKey } of asked) assert.deepEqual(hostKey, alice.keys.hostKey)
      assert.deepEqual(asked[0]?.body, Uint8Array.of(1, 2, 3))
    })

    it('carries bodies of every size up to the longest, both ways', async () => {
      const { ask } = await pair(async ({ body }) => body)
      for (const bytes of [0, 1, 255, 4_096, MESH_BODY_MAX_BYTES - 1, MESH_BODY_MAX_BYTES]) {
        const body = Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + bytes) & 255)
        assert.deepEqual(await ask(1, body), body)
      }
      await assert.rejects(ask(1, new Uint8Array(MESH_BODY_MAX_BYTES + 1)), RangeError)
      await assert.rejects(ask(256), RangeError)
      await assert.rejects(ask(-1), RangeError)
    })

    it('does not depend on the bytes of a request afterwards', async () => {
      const { ask } = await pair(async ({ body }) => body)
      const body = new Uint8Array(100).fill(4)
      const asking = ask(1, body)
      body.fill(0)
      assert.deepEqual(await asking, new Uint8Array(100).fill(4))
    })

    it('asks a host back over the connection that it opened', async () => {
      const { alice, bob, ask } = await pair()
      const back = () => setup.pass(bob.mesh.request(alice.keys.hostKey, 5, new Uint8Array(), never))
      await assert.rejects(back(), hasCode('MESH_UNKNOWN_PEER'))
      await ask(1)
      assert.deepEqual(await back(), Uint8Array.of(5))
      assert.deepEqual(bob.mesh.peers(), [])
    })

    it('knows the hosts that it was told of, with their newest address', async () => {
      const { alice, bob } = await pair()
      const peerOf = ({ hostKey, meshOnionKey }: MeshPeer): MeshPeer => ({ hostKey, meshOnionKey })
      const moved = { ...peerOf(bob.keys), meshOnionKey: createHostKeys().meshOnionKey }
      alice.mesh.addPeer(moved)
      assert.deepEqual(alice.mesh.peers().map(peerOf), [moved])
      alice.mesh.addPeer(alice.keys)
      assert.equal(alice.mesh.peers().length, 1)
      alice.mesh.removePeer(bob.keys.hostKey)
      assert.deepEqual(alice.mesh.peers(), [])
      const asking = alice.mesh.request(bob.keys.hostKey, 1, new Uint8Array(), never)
      await assert.rejects(setup.pass(asking), hasCode('MESH_UNKNOWN_PEER'))
    })

    it('says when the other host refuses, and goes on', async () => {
      const { ask } = await pair(async ({ operation, body }) => {
        if (operation === 1) return undefined
        if (operation === 2) throw new Error('a handler that fails')
        if (operation === 3) return new Uint8Array(MESH_BODY_MAX_BYTES + 1)
        return body
      })
      for (const operation of [1, 2, 3]) await assert.rejects(ask(operation), hasCode('MESH_REFUSED'))
      assert.deepEqual(await ask(4, Uint8Array.of(9)), Uint8Array.of(9))
    })

    it('refuses everything where nobody serves', async () => {
      const alice = await open()
      assert.throws(() => alice.mesh.serve(echo))
      const keys = createHostKeys()
      const mute = await setup.createMesh(keys, TEST_RULES)
      meshes.push(mute)
      await mute.start()
      await setup.pass(mute.published())
      alice.mesh.addPeer(keys)
      const asking = alice.mesh.request(keys.hostKey, 1, new Uint8Array(), never)
      await assert.rejects(setup.pass(asking), hasCode('MESH_REFUSED'))
    })

    it('runs requests to one host side by side, and a bounded number at once', async () => {
      let active = 0
      let most = 0
      const gate = Promise.withResolvers<void>()
      const { ask } = await pair(async ({ operation, body }) => {
        active += 1
        most = Math.max(most, active)
        // The first ones end last.
        if (operation === 1) await gate.promise
        active -= 1
        return body
      })
      const slow = Array.from({ length: MESH_REQUESTS_MAX_COUNT - 1 }, (_, at) => ask(1, Uint8Array.of(at)))
      const quick = Array.from({ length: 100 }, (_, at) => ask(2, Uint8Array.of(at)))
      assert.deepEqual(
        (await Promise.all(quick)).map(([first]) => first),
        quick.map((_, at) => at),
      )
      gate.resolve()
      assert.deepEqual(
        (await Promise.all(slow)).map(([first]) => first),
        slow.map((_, at) => at),
      )
      assert.equal(most, MESH_REQUESTS_MAX_COUNT)
    })

    it('gives up on a host that does not answer, and asks it again', async () => {
      const silence = Promise.withResolvers<undefined>()
      const { ask } = await pair(async ({ operation, body }) => (operation === 1 ? silence.promise : body))
      await assert.rejects(ask(1), hasCode('MESH_TIMED_OUT'))
      assert.deepEqual(await ask(2, Uint8Array.of(3)), Uint8Array.of(3))
      silence.resolve(undefined)
      assert.deepEqual(await ask(2, Uint8Array.of(4)), Uint8Array.of(4))
    })

    it('does not reach a host that is not there, and reaches it when it has come and the backoff is over', async () => {
      const alice = await open()
      const keys = createHostKeys()
      alice.mesh.addPeer(keys)
      const ask = () => setup.pass(alice.mesh.request(keys.hostKey, 1, new Uint8Array(), never))
      await assert.rejects(ask(), hasCode('MESH_UNREACHABLE'))
      await open(echo, TEST_RULES, keys)
      // Not dialled again at once.
      await assert.rejects(ask(), hasCode('MESH_UNREACHABLE'))
      await setup.passBackoff()
      assert.deepEqual(await ask(), Uint8Array.of(1))
    })

    it('does not stay away from a host that shows that it lives', async () => {
      const alice = await open()
      const keys = createHostKeys()
      alice.mesh.addPeer(keys)
      const ask = () => setup.pass(alice.mesh.request(keys.hostKey, 1, new Uint8Array(), never))
      await assert.rejects(ask(), hasCode('MESH_UNREACHABLE'))
      const bob = await open(echo, TEST_RULES, keys)
      bob.mesh.addPeer(alice.keys)
      await setup.pass(bob.mesh.request(alice.keys.hostKey, 1, new Uint8Array(), never))
      assert.deepEqual(await ask(), Uint8Array.of(1))
    })

    it('does not speak with another host at the address', async () => {
      let served = 0
      const [alice, bob] = await Promise.all([
        open(),
        open(async () => {
          served += 1
          return new Uint8Array()
        }),
      ])
      const { hostKey } = createHostKeys()
      alice.mesh.addPeer({ hostKey, meshOnionKey: bob.keys.meshOnionKey })
      const asking = alice.mesh.request(hostKey, 1, new Uint8Array(), never)
      await assert.rejects(setup.pass(asking), hasCode('MESH_UNREACHABLE'))
      assert.equal(served, 0)
    })

    it('passes the reason of an aborted request on', async () => {
      const asked = Promise.withResolvers<void>()
      const { ask } = await pair(async ({ operation }) => {
        if (operation === 2) return new Uint8Array()
        asked.resolve()
        return new Promise(() => undefined)
      })
      const reason = new DOMException('enough', 'AbortError')
      const isReason = (error: unknown): boolean => error === reason
      await assert.rejects(ask(1, new Uint8Array(), AbortSignal.abort(reason)), isReason)
      const abort = new AbortController()
      const asking = ask(1, new Uint8Array(), abort.signal)
      await asked.promise
      abort.abort(reason)
      await assert.rejects(asking, isReason)
      await ask(2)
    })

    it('fails what is under way when the connection is lost, and dials again', async () => {
      const asked = Promise.withResolvers<void>()
      const { ask } = await pair(async ({ operation, body }) => {
        if (operation === 2) return body
        asked.resolve()
        return new Promise(() => undefined)
      })
      const outcome = assert.rejects(ask(1), hasCode('MESH_UNREACHABLE'))
      await asked.promise
      setup.cut()
      await outcome
      assert.deepEqual(await ask(2, Uint8Array.of(8)), Uint8Array.of(8))
    })

    it('finds a host again that was stopped and started', async () => {
      const { alice, bob, ask } = await pair()
      await ask(1)
      await setup.pass(bob.mesh.stop())
      await assert.rejects(ask(1), hasCode('MESH_UNREACHABLE'))
      await open(echo, TEST_RULES, bob.keys)
      // Where there are descriptors, the old one may be in the way for a while.
      let answer: Uint8Array | undefined
      for (let turn = 0; turn < 20 && answer === undefined; turn += 1) {
        await setup.passBackoff()
        answer = await ask(2).catch(() => undefined)
      }
      assert.deepEqual(answer, Uint8Array.of(2))
      assert.equal(alice.mesh.peers().length, 1)
    })

    it('does nothing once it is stopped', async () => {
      const waiting = Promise.withResolvers<void>()
      const { alice, ask } = await pair(async () => {
        waiting.resolve()
        return new Promise(() => undefined)
      })
      const stopped = hasCode('TRANSPORT_STOPPED')
      const outcome = assert.rejects(ask(1), stopped)
      await waiting.promise
      await setup.pass(alice.mesh.stop())
      await outcome
      await setup.pass(alice.mesh.stop())
      await assert.rejects(ask(1), stopped)
      await assert.rejects(alice.mesh.crawl(never), stopped)
      await assert.rejects(alice.mesh.getRecord(alice.keys.hostKey, never), stopped)
      await assert.rejects(alice.mesh.putRecord(alice.keys.hostKey, new Uint8Array(1), never), stopped)
    })

    describe('with three hosts, of which two know the first only', () => {
      const trio = async (rules: RecordRules = TEST_RULES) => {
        const [first, second, third] = await Promise.all([open(), open(), open(echo, rules)])
        second.mesh.addPeer(first.keys)
        third.mesh.addPeer(first.keys)
        // Everybody has spoken with the first one.
        for (const { mesh } of [second, third]) {
          await setup.pass(mesh.request(first.keys.hostKey, 1, new Uint8Array(), never))
        }
        return { first, second, third }
      }
      const put = (mesh: HostMesh, hostKey: Uint8Array, value: Uint8Array) =>
        setup.pass(mesh.putRecord(hostKey, value, never))
      const get = (mesh: HostMesh, hostKey: Uint8Array) => setup.pass(mesh.getRecord(hostKey, never))

      it('gives everybody the record that one has put, and the newest of several', async () => {
        const { first, second, third } = await trio()
        const { hostKey } = second.keys
        assert.equal(await get(third.mesh, hostKey), undefined)
        await put(second.mesh, hostKey, testRecord(hostKey, 1))
        for (const { mesh } of [first, second, third])
          assert.deepEqual(await get(mesh, hostKey), testRecord(hostKey, 1))
        await put(third.mesh, hostKey, testRecord(hostKey, 2))
        for (const { mesh } of [first, second, third])
          assert.deepEqual(await get(mesh, hostKey), testRecord(hostKey, 2))
        // An old one is no error, and changes nothing.
        await put(first.mesh, hostKey, testRecord(hostKey, 1))
        for (const { mesh } of [first, second, third])
          assert.deepEqual(await get(mesh, hostKey), testRecord(hostKey, 2))
      })

      it('takes no record that does not pass, neither its own nor that of a liar', async () => {
        const lenient: RecordRules = { ...TEST_RULES, validateRecord: async () => true }
        const { first, second, third } = await trio(lenient)
        const { hostKey } = first.keys
        const forged = Uint8Array.of(66, 255, ...hostKey)
        await assert.rejects(put(second.mesh, hostKey, forged), hasCode('MESH_RECORD_REFUSED'))
        await assert.rejects(
          put(second.mesh, hostKey, testRecord(second.keys.hostKey, 1)),
          hasCode('MESH_RECORD_REFUSED'),
        )
        await assert.rejects(put(third.mesh, hostKey, forged), hasCode('MESH_UNREACHABLE'))
        assert.equal(await get(first.mesh, hostKey), undefined)
        assert.equal(await get(second.mesh, hostKey), undefined)
        // The control: the liar itself believes it, and a true one passes all of them.
        assert.deepEqual(await get(third.mesh, hostKey), forged)
        await put(first.mesh, hostKey, testRecord(hostKey, 1))
        assert.deepEqual(await get(second.mesh, hostKey), testRecord(hostKey, 1))
      })

      it('finds the hosts that it was not told of, with their addresses', async () => {
        const { first, second, third } = await trio()
        const names = (peers: readonly MeshPeer[]) =>
          peers.map((peer) => Buffer.concat([peer.hostKey, peer.meshOnionKey]).toString('hex')).sort()
        // The first one tells of the third as soon as it has it in its table.
        let found = await setup.pass(second.mesh.crawl(never))
        for (let turn = 0; turn < 50 && found.length < 2; turn += 1) found = await setup.pass(second.mesh.crawl(never))
        assert.deepEqual(names(found), names([first.keys, third.keys]))
        assert.equal(second.mesh.peers().length, 1)
      })
    })

    it('puts no record where there is nobody, and finds none', async () => {
      const { mesh, keys } = await open()
      const putting = setup.pass(mesh.putRecord(keys.hostKey, testRecord(keys.hostKey, 1), never))
      await assert.rejects(putting, hasCode('MESH_UNREACHABLE'))
      assert.equal(await setup.pass(mesh.getRecord(createHostKeys().hostKey, never)), undefined)
      assert.deepEqual(await setup.pass(mesh.crawl(never)), [])
    })
  })
}
