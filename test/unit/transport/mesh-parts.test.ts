/** The parts of the mesh by themselves: frames, the book of peers, what libp2p may keep, the book of records. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, isAppError } from '../../../src/base/index.ts'
import type { MeshPeer } from '../../../src/ports/index.ts'
import { createBoundedDatastore } from '../../../src/transport/mesh/bounded-datastore.ts'
import { createRecordBook, recordKey } from '../../../src/transport/mesh/mesh-dht.ts'
import {
  createMeshFrameReader,
  encodeMeshFrame,
  FRAME_HEADER_BYTES,
  FRAME_REFUSAL,
  FRAME_REQUEST,
  FRAME_RESPONSE,
  type MeshFrame,
} from '../../../src/transport/mesh/mesh-frame.ts'
import { MESH_PEERS_MAX_COUNT } from '../../../src/transport/mesh/options.ts'
import { createPeerBook } from '../../../src/transport/mesh/peer-book.ts'
import { MESH_BODY_MAX_BYTES } from '../../../src/wire/index.ts'
import { TEST_RULES, testRecord } from '../../conformance/host-mesh.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { fuzzDecoder } from '../../support/strict-decoder.ts'

const key = (seed: number): Uint8Array => createSeededRandom(seed).bytes(32)

describe('mesh frames', () => {
  const random = createSeededRandom(1)
  const frames: readonly MeshFrame[] = [
    { kind: FRAME_REQUEST, operation: 0, id: 0, body: new Uint8Array() },
    { kind: FRAME_REQUEST, operation: 255, id: 0xffff_ffff, body: random.bytes(100) },
    { kind: FRAME_RESPONSE, operation: 0, id: 7, body: random.bytes(MESH_BODY_MAX_BYTES) },
    { kind: FRAME_REFUSAL, operation: 0, id: 8, body: new Uint8Array() },
  ]
  const stream = concatBytes(...frames.map(encodeMeshFrame))

  it('come out as they went in, however they are cut', () => {
    for (let round = 0; round < 200; round += 1) {
      const reader = createMeshFrameReader()
      const read: MeshFrame[] = []
      for (let offset = 0; offset < stream.length; ) {
        const bytes = 1 + Math.floor(random.uniform() ** 3 * 9_000)
        const part = Uint8Array.from(stream.subarray(offset, offset + bytes))
        read.push(...(reader.push(part) ?? assert.fail('a frame was refused')))
        // What was given may be used for something else at once.
        part.fill(0)
        offset += bytes
      }
      assert.deepEqual(read, frames)
    }
  })

  it('are read strictly', () => {
    const count = fuzzDecoder(
      {
        valid: frames.slice(0, 2).concat(frames.slice(3)).map(encodeMeshFrame),
        decode(bytes) {
          const read = createMeshFrameReader().push(bytes)
          // One whole frame and nothing else.
          const [frame] = read ?? []
          const isWhole = read?.length === 1 && frame !== undefined
          return isWhole && bytes.length === FRAME_HEADER_BYTES + frame.body.length ? frame : undefined
        },
        encode: encodeMeshFrame,
      },
      5,
    )
    assert.ok(count.accepted > 0 && count.accepted < count.tried)
  })

  it('have no longer body', () => {
    const body = new Uint8Array(MESH_BODY_MAX_BYTES + 1)
    assert.throws(() => encodeMeshFrame({ kind: FRAME_REQUEST, operation: 1, id: 1, body }), RangeError)
  })
})

describe('the book of peers', () => {
  it('takes whole keys, not itself, and no more than it holds', () => {
    const own = key(1)
    const book = createPeerBook(own)
    assert.throws(() => book.add({ hostKey: key(2), meshOnionKey: new Uint8Array(31) }), RangeError)
    assert.equal(book.add({ hostKey: own, meshOnionKey: key(3) }), false)
    const peer = (index: number): MeshPeer => {
      const hostKey = new Uint8Array(32)
      new DataView(hostKey.buffer).setUint32(0, index + 1)
      return { hostKey, meshOnionKey: hostKey }
    }
    for (let index = 0; index < MESH_PEERS_MAX_COUNT; index += 1) assert.equal(book.add(peer(index)), true)
    assert.equal(book.add(peer(MESH_PEERS_MAX_COUNT)), false)
    assert.equal(book.add({ ...peer(0), meshOnionKey: key(9) }), true)
    assert.deepEqual(book.get(peer(0).hostKey)?.meshOnionKey, key(9))
    book.remove(peer(5).hostKey)
    assert.equal(book.add(peer(MESH_PEERS_MAX_COUNT)), true)
    assert.equal(book.all().length, MESH_PEERS_MAX_COUNT)
  })
})

describe("libp2p's datastore", () => {
  type Key = Parameters<ReturnType<typeof createBoundedDatastore>['get']>[0]
  // Only the text of a key counts.
  const keyOf = (text: string): Key => ({ toString: () => text }) as unknown as Key
  const value = Uint8Array.of(1)

  it('keeps what it has a shelf for, and drops the rest', async () => {
    const store = createBoundedDatastore()
    for (const text of ['/peers/a', '/dht/record/b', '/dht/provider/c', '/other']) await store.put(keyOf(text), value)
    const kept = async (text: string) => store.has(keyOf(text))
    assert.deepEqual(await Promise.all(['/peers/a', '/dht/record/b'].map(kept)), [true, true])
    assert.deepEqual(await Promise.all(['/dht/provider/c', '/other'].map(kept)), [false, false])
    await store.delete(keyOf('/peers/a'))
    assert.equal(await kept('/peers/a'), false)
  })

  it('loses what was not used for longest', async () => {
    const store = createBoundedDatastore([['/peers/', 3]])
    for (const name of ['a', 'b', 'c']) await store.put(keyOf(`/peers/${name}`), value)
    await store.get(keyOf('/peers/a'))
    await store.put(keyOf('/peers/d'), value)
    const names: string[] = []
    for await (const found of store.queryKeys({ prefix: '/peers' })) names.push(found.toString())
    assert.deepEqual(names, ['/peers/c', '/peers/a', '/peers/d'])
  })

  it('finds by prefix, filter, order and number', async () => {
    const store = createBoundedDatastore()
    for (let index = 0; index < 6; index += 1) await store.put(keyOf(`/peers/${index}`), Uint8Array.of(index))
    const found: number[] = []
    const query = {
      prefix: '/peers',
      filters: [({ value: [first] }: { value: Uint8Array }) => (first ?? 0) > 0],
      orders: [
        (a: { value: Uint8Array }, b: { value: Uint8Array }) => ((a.value[0] ?? 0) > (b.value[0] ?? 0) ? -1 : 1),
      ],
      offset: 1,
      limit: 2,
    }
    for await (const { value: bytes } of store.query(query)) found.push(bytes[0] ?? -1)
    assert.deepEqual(found, [4, 3])
  })
})

describe('the book of records', () => {
  const refused = (error: unknown): boolean => isAppError(error, 'MESH_RECORD_REFUSED')

  it('takes valid records under right keys, and never goes back', async () => {
    const book = createRecordBook(TEST_RULES)
    const hostKey = key(4)
    await book.validate(recordKey(hostKey), testRecord(hostKey, 2))
    await book.validate(recordKey(hostKey), testRecord(hostKey, 2))
    await assert.rejects(book.validate(recordKey(hostKey), testRecord(hostKey, 1)), refused)
    await book.validate(recordKey(hostKey), testRecord(hostKey, 3))
    assert.deepEqual(await book.best(hostKey), testRecord(hostKey, 3))
    assert.deepEqual(await book.take(hostKey, testRecord(hostKey, 1)), testRecord(hostKey, 3))
    for (const wrong of [hostKey, concatBytes(recordKey(hostKey), Uint8Array.of(1)), recordKey(key(5))]) {
      await assert.rejects(book.validate(wrong, testRecord(hostKey, 4)), refused)
    }
    assert.equal(await book.best(key(5)), undefined)
  })

  it('gives no record that has become invalid', async () => {
    let isValid = true
    const book = createRecordBook({ ...TEST_RULES, validateRecord: async () => isValid })
    const hostKey = key(6)
    await book.take(hostKey, testRecord(hostKey, 1))
    assert.notEqual(await book.best(hostKey), undefined)
    isValid = false
    assert.equal(await book.best(hostKey), undefined)
  })
})
