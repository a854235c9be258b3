import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS } from '../../../src/base/index.ts'
import { ed25519PublicKey, x25519PublicKey } from '../../../src/crypto/index.ts'
import { createDiscovery, type Discovery, type DiscoveryDeps } from '../../../src/mailbox/host/discovery.ts'
import { renewSealKey, saveHostKeys } from '../../../src/mailbox/host/host-keys.ts'
import { createReplyQueue } from '../../../src/mailbox/host/reply-queue.ts'
import { createTokenBucket } from '../../../src/mailbox/host/token-bucket.ts'
import { hostEntryOf, loadHostKeys } from '../../../src/mailbox/index.ts'
import type { StoreOperation } from '../../../src/ports/index.ts'
import { createMemoryStore } from '../../../src/store/index.ts'
import {
  CHECK_REPLY_BYTES,
  encodeCourierAnswer,
  encodeHostEntry,
  FETCH_REPLY_BYTES,
  type HostEntry,
  READ_CHECK_COUNT,
  REPLIES_BYTES,
  REPLY_SEAL_BYTES,
  STORE_REPLY_BYTES,
} from '../../../src/wire/index.ts'

const reply = (tag: number, bytes: number): { tag: number; reply: Uint8Array } => ({
  tag,
  reply: new Uint8Array(bytes).fill(1),
})
const CHECK = CHECK_REPLY_BYTES
const FETCH = FETCH_REPLY_BYTES + REPLY_SEAL_BYTES
const STORE = STORE_REPLY_BYTES + REPLY_SEAL_BYTES

describe('replies that wait for a record', () => {
  const options = { maxCount: 40, lifetimeMs: 1_000 }

  it('gives all answers to one read in one record', () => {
    const queue = createReplyQueue(options)
    for (let tag = 0; tag < READ_CHECK_COUNT; tag += 1) queue.add(reply(tag, CHECK), 0)
    queue.add(reply(99, FETCH), 0)
    const replies = queue.take(1)
    assert.equal(replies.length, READ_CHECK_COUNT + 1)
    assert.doesNotThrow(() => encodeCourierAnswer({ kind: 'replies', replies }))
    assert.equal(queue.size, 0)
  })

  it('serves the newest large one first, then in the order of arrival what fits, and keeps the rest for later records', () => {
    const queue = createReplyQueue(options)
    for (const [tag, bytes] of [FETCH, FETCH, STORE, CHECK, STORE].entries()) queue.add(reply(tag, bytes), 0)
    const tags = (): number[] => queue.take(1).map(({ tag }) => tag)
    assert.deepEqual(tags(), [1, 3])
    assert.deepEqual(tags(), [0])
    assert.deepEqual(tags(), [2, 4])
    assert.deepEqual(tags(), [])
  })

  it('makes no answer late for one that was', () => {
    const queue = createReplyQueue(options)
    queue.add(reply(0, FETCH), 0)
    for (let read = 1; read <= 5; read += 1) {
      queue.add(reply(read, FETCH), read)
      assert.deepEqual(queue.take(read)[0]?.tag, read)
    }
    assert.deepEqual(queue.take(6)[0]?.tag, 0, 'it comes with the first record that has none of its own')
  })

  it('lets nobody wait for ever behind large ones', () => {
    const queue = createReplyQueue(options)
    queue.add(reply(0, STORE), 0)
    for (const nowMs of [100, 499, 500]) {
      queue.add(reply(nowMs, FETCH), nowMs)
      assert.equal(queue.take(nowMs)[0]?.tag, nowMs === 500 ? 0 : nowMs)
    }
    assert.equal(queue.take(501)[0]?.tag, 500)
  })

  it('sends two stores together though a check waits between them', () => {
    const queue = createReplyQueue(options)
    for (const [tag, bytes] of [STORE, CHECK, STORE].entries()) queue.add(reply(tag, bytes), 0)
    assert.deepEqual(
      queue.take(1).map(({ tag }) => tag),
      [0, 1, 2],
    )
  })

  it('is bounded, forgets what nobody waits for, and takes nothing that no record holds', () => {
    const queue = createReplyQueue(options)
    for (let tag = 0; tag < 100; tag += 1) queue.add(reply(tag, CHECK), 0)
    assert.equal(queue.size, 40)
    assert.equal(queue.take(1)[0]?.tag, 60, 'the oldest made room')
    queue.add(reply(7, CHECK), 0)
    assert.deepEqual(queue.take(1_000), [])
    queue.add(reply(1, 0), 0)
    queue.add(reply(2, REPLIES_BYTES), 0)
    assert.equal(queue.size, 0)
  })
})

describe('the budget of a session', () => {
  it('lets a burst through, then one for each interval', () => {
    const bucket = createTokenBucket(3, 100, 0)
    const taken = (nowMs: number): boolean => bucket.take(nowMs)
    assert.deepEqual([0, 0, 0, 0, 99, 100, 100, 300, 300, 300].map(taken), [
      true,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      true,
      false,
    ])
  })

  it('never holds more than the burst', () => {
    const bucket = createTokenBucket(2, 100, 0)
    assert.deepEqual(
      [1e9, 1e9, 1e9].map((nowMs) => bucket.take(nowMs)),
      [true, true, false],
    )
  })
})

describe('the keys of a host', () => {
  it('are made once and the same after a restart', async () => {
    const store = createMemoryStore()
    const first = await loadHostKeys(store)
    const second = await loadHostKeys(store)
    assert.deepEqual(second, first)
    assert.notDeepEqual((await loadHostKeys(createMemoryStore())).hostKey, first.hostKey)
    assert.deepEqual(first.hostKey, ed25519PublicKey(first.hostSeed))
    assert.deepEqual(hostEntryOf(first), { hostKey: first.hostKey, courierOnionKey: first.courierOnionKey })
    const keys = [first.hostKey, first.courierOnionKey, first.meshOnionKey].map((key) =>
      Buffer.from(key).toString('hex'),
    )
    assert.equal(new Set(keys).size, 3)
  })

  it('lie in the erasable part of the store only', async () => {
    const written: StoreOperation[] = []
    const memory = createMemoryStore()
    await loadHostKeys({
      ...memory,
      async batch(operations) {
        written.push(...operations)
        await memory.batch(operations)
      },
    })
    assert.equal(written.length, 1)
    assert.ok(written.every((operation) => operation.type === 'put' && operation.erasable === true))
  })

  it('renew the seal key each epoch and keep two former ones', async () => {
    const store = createMemoryStore()
    let keys = await loadHostKeys(store)
    const start = Date.UTC(2026, 10, 21)
    const seen: string[] = []
    for (let day = 0; day < 5; day += 1) {
      keys = renewSealKey(keys, start + day * DAY_MS, DAY_MS)
      assert.equal(renewSealKey(keys, start + day * DAY_MS + DAY_MS - 1, DAY_MS), keys, 'not before its time')
      seen.push(Buffer.from(keys.sealKeys[0]?.publicKey ?? []).toString('hex'))
    }
    assert.equal(new Set(seen).size, 5)
    assert.deepEqual(
      keys.sealKeys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')),
      seen.slice(-3).reverse(),
    )
    for (const { privateKey, publicKey } of keys.sealKeys) assert.deepEqual(x25519PublicKey(privateKey), publicKey)
    await saveHostKeys(store, keys)
    assert.deepEqual(await loadHostKeys(store), keys)
  })

  it('replace a seal key from a future that was taken back', async () => {
    const keys = renewSealKey(await loadHostKeys(createMemoryStore()), Date.UTC(2027, 0, 1), DAY_MS)
    const back = renewSealKey(keys, Date.UTC(2026, 10, 21), DAY_MS)
    assert.equal(back.sealKeys.length, 2)
    assert.equal(renewSealKey(keys, Date.UTC(2027, 0, 1) - 60_000, DAY_MS), keys, 'a small step back changes nothing')
  })
})

describe('the entries that a host was given', () => {
  it('stay when others are added before the start, newest first, each once', async () => {
    const store = createMemoryStore()
    const entry = (value: number): HostEntry => ({
      hostKey: new Uint8Array(32).fill(value),
      courierOnionKey: new Uint8Array(32).fill(value + 100),
    })
    // Only the store takes part before the start.
    const restart = (): Discovery => createDiscovery({ store } as unknown as DiscoveryDeps)
    await restart().addEntries([entry(1)])
    await restart().addEntries([entry(2), entry(1)])
    await restart().addEntries([entry(3)])
    const kept = (await store.get('host-state', 'entries')) ?? new Uint8Array(0)
    const expected = [3, 2, 1].flatMap((value) => [...encodeHostEntry(entry(value))])
    assert.deepEqual([...kept], expected)
  })
})
