import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/index.ts'
import { storeError } from '../../src/store/errors.ts'
import { FILE_CHUNK_BYTES, FILE_MAX_BYTES, fileChunkCount } from '../../src/wire/index.ts'
import {
  chunkRows,
  type FilePair,
  fileOf,
  fileRows,
  NAMES,
  type Name,
  passUntil,
  savedBytes,
  sendBytes,
  shownFiles,
  statesOf,
  untilAll,
  withFilePair,
} from '../support/attachments.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const KIB = 1_024

/** From the `count`th batch on the disk takes nothing, until the messenger is opened again from what is on it. */
function killAfter({ world }: FilePair, name: Name, count: number): { batches(): number } {
  let batches = 0
  world.beforeBatch(name, () => {
    batches += 1
    if (batches > count) throw storeError('STORE_FULL')
  })
  return { batches: () => batches }
}

async function reopen({ world }: FilePair, name: Name): Promise<void> {
  await world.stopOne(name)
  world.beforeBatch(name, undefined)
  await world.restart(name)
}

describe('a file and a daemon that ends at any moment', () => {
  it('what is acknowledged is on disk as a whole, and what is not leaves nothing', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const file = fileOf(100 * KIB)
      let acknowledged = false
      let kills = 0
      for (let count = 0; !acknowledged; count += 1) {
        const kill = killAfter(pair, 'alice', count)
        try {
          await sendBytes(pair, 'alice', file)
          acknowledged = true
        } catch {
          kills += 1
          assert.ok(kill.batches() > count)
        }
        assert.equal(world.files('alice').openCount(), 0)
        await reopen(pair, 'alice')
        if (acknowledged) break
        await world.clock.advance(MINUTE_MS)
        assert.deepEqual(fileRows(pair, 'alice'), [], `after ${count} batches`)
        assert.deepEqual(await shownFiles(pair, 'alice'), [])
      }
      // A note, the pieces of the file, and the step that makes it true.
      assert.ok(kills >= 3 + fileChunkCount(file.length) / 64, `${kills} kills`)
      assert.equal(chunkRows(pair, 'alice'), fileChunkCount(file.length))
      await untilAll(pair, 'bob', 'complete', DAY_MS)
      const [got] = await shownFiles(pair, 'bob')
      assert.deepEqual(await savedBytes(pair, 'bob', got?.messageId ?? ''), file)
      assert.equal((await world.messenger('bob').listMessages({ contactId: ids.bob })).length, 1)
    }))

  for (const seed of [1, 2, 3, 4]) {
    it(`any order of kills, full disks, losses and restarts gives each file once, byte for byte (seed ${seed})`, () =>
      withFilePair(async (pair) => {
        const { world } = pair
        const random = createSeededRandom(seed)
        const below = (limit: number): number => Math.floor(random.uniform() * limit)
        const sent: Record<Name, Uint8Array[]> = { alice: [], bob: [] }
        const count = { kills: 0, refused: 0, losses: 0, hidden: 0 }
        world.mailboxes.onWrite = () => {
          if (below(6) > 0) return undefined
          count.losses += 1
          return { status: 'lost' }
        }
        world.mailboxes.onRead = () => {
          if (below(6) > 0) return true
          count.hidden += 1
          return false
        }
        for (let turn = 0; turn < 24; turn += 1) {
          const writer = NAMES[below(2)] ?? 'alice'
          if (turn < 8) {
            const file = fileOf(below(20 * KIB), seed * 100 + turn)
            if (below(2) === 0) world.beforeBatch(writer, failSometimes(random, count))
            try {
              await sendBytes(pair, writer, file)
              sent[writer].push(file)
            } catch {
              count.refused += 1
            }
            world.beforeBatch(writer, undefined)
          }
          const victim = NAMES[below(2)] ?? 'bob'
          const limit = below(8)
          const kill = killAfter(pair, victim, limit)
          await world.clock.advance((1 + below(6)) * MINUTE_MS)
          if (kill.batches() > limit) count.kills += 1
          await reopen(pair, victim)
        }
        const isDone = async (): Promise<boolean> =>
          (await Promise.all(NAMES.map((name) => statesOf(pair, name))))
            .flat()
            .every((state) => state === 'stored' || state === 'complete') && (await hasAll(pair, sent))
        await passUntil(pair, 'everything', isDone, 2 * DAY_MS)
        for (const name of NAMES) {
          const other = name === 'alice' ? 'bob' : 'alice'
          const received = (await shownFiles(pair, name)).filter(({ direction }) => direction === 'received')
          assert.equal(received.length, sent[other].length)
          for (const [index, { messageId }] of received.entries()) {
            assert.deepEqual(await savedBytes(pair, name, messageId), sent[other][index])
          }
          const chunks = received.reduce((sum, { transfer }) => sum + transfer.chunks, 0)
          assert.equal(chunkRows(pair, name), chunks, 'nothing but what came is kept')
        }
        assert.ok(sent.alice.length + sent.bob.length >= 4, 'files were sent')
        assert.ok(count.kills >= 4 && count.losses >= 10 && count.hidden >= 10, JSON.stringify(count))
      }))
  }
})

function failSometimes(random: { uniform(): number }, count: { refused: number }): () => void {
  return () => {
    if (random.uniform() < 0.2 && count.refused < 100) throw storeError('STORE_FULL')
  }
}

async function hasAll(pair: FilePair, sent: Record<Name, Uint8Array[]>): Promise<boolean> {
  const expected = sent.alice.length + sent.bob.length
  const shown = await Promise.all(NAMES.map((name) => shownFiles(pair, name)))
  return shown.every((files) => files.length === expected)
}

describe('what is refused when a file is sent', () => {
  it('says why, keeps nothing and leaves no file open', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const files = world.files('alice')
      const send = (path: string, more: { name?: string; mimeType?: string; idempotencyKey?: string } = {}) =>
        world.messenger('alice').sendAttachment({ contactId: ids.alice, path, ...more })
      files.contents.set('/a', fileOf(100 * KIB))
      files.contents.set('/large', new Uint8Array(FILE_MAX_BYTES + 1))
      await assert.rejects(send('a'), { code: 'ATTACHMENT_PATH_RELATIVE' })
      await assert.rejects(send('/b'), { code: 'ATTACHMENT_FILE_MISSING' })
      await assert.rejects(send('/large'), { code: 'ATTACHMENT_TOO_LARGE' })
      await assert.rejects(send('/a', { mimeType: 'té/xt' }), { code: 'ATTACHMENT_TYPE_INVALID' })
      await assert.rejects(send('/a', { idempotencyKey: '' }), { code: 'IDEMPOTENCY_KEY_INVALID' })
      let reads = 0
      const during = (act: () => void) => (): void => {
        reads += 1
        if (reads === 2) act()
      }
      for (const [change, code] of [
        [() => files.contents.set('/a', fileOf(60 * KIB)), 'ATTACHMENT_FILE_CHANGED'],
        [() => files.contents.set('/a', fileOf(61 * KIB)), 'ATTACHMENT_FILE_CHANGED'],
        [
          () => {
            throw new Error('a bad disk')
          },
          'ATTACHMENT_FILE_FAILED',
        ],
      ] as const) {
        reads = 0
        files.beforeRead = during(change)
        await assert.rejects(send('/a'), { code })
        files.beforeRead = undefined
      }
      assert.deepEqual(fileRows(pair, 'alice'), [])
      assert.deepEqual(await shownFiles(pair, 'alice'), [])
      await world.messenger('alice').block(ids.alice)
      await assert.rejects(send('/a'), { code: 'CONTACT_BLOCKED' })
      assert.equal(files.openCount(), 0)
    }))

  it('a file that grows while it is read is not sent in part', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const files = world.files('alice')
      files.contents.set('/a', fileOf(5))
      files.beforeRead = () => {
        const before = files.contents.get('/a') ?? new Uint8Array()
        files.contents.set('/a', new Uint8Array([...before, 1]))
      }
      const sent = world.messenger('alice').sendAttachment({ contactId: ids.alice, path: '/a' })
      await assert.rejects(sent, { code: 'ATTACHMENT_FILE_CHANGED' })
    }))

  it('a key that was used before sends nothing again, even when the file is gone', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const files = world.files('alice')
      files.contents.set('/a', fileOf(5))
      const alice = world.messenger('alice')
      const options = { contactId: ids.alice, path: '/a', idempotencyKey: 'k' }
      const [first, second] = await Promise.all([alice.sendAttachment(options), alice.sendAttachment(options)])
      assert.equal(second.messageId, first.messageId)
      assert.deepEqual([first.repeated, second.repeated], [false, true])
      files.contents.clear()
      assert.equal((await alice.sendAttachment(options)).messageId, first.messageId)
      const conflict = { code: 'IDEMPOTENCY_CONFLICT' }
      await assert.rejects(alice.sendAttachment({ ...options, name: 'b' }), conflict)
      await assert.rejects(alice.send({ contactId: ids.alice, text: 'a', idempotencyKey: 'k' }), conflict)
      assert.equal((await shownFiles(pair, 'alice')).length, 1)
      assert.equal(chunkRows(pair, 'alice'), fileChunkCount(5))
    }))

  it('more files than may wait; and never more than a piece of one in memory', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      world.files('alice').contents.set('/a', fileOf(300 * KIB))
      const alice = world.messenger('alice')
      const options = { contactId: ids.alice, path: '/a' }
      for (let count = 0; count < 32; count += 1) await sendBytes(pair, 'alice', fileOf(5))
      await assert.rejects(alice.sendAttachment(options), (error: Error & { code?: string; details?: object }) => {
        assert.equal(error.code, 'ATTACHMENT_QUEUE_FULL')
        const { retryAfterMs } = error.details as { retryAfterMs: number }
        assert.ok(retryAfterMs > MINUTE_MS && retryAfterMs < HOUR_MS, `${retryAfterMs}`)
        return true
      })
      const [first] = await shownFiles(pair, 'alice')
      await alice.cancelAttachment({ contactId: ids.alice, messageId: first?.messageId ?? '' })
      await alice.sendAttachment(options)
      assert.equal(world.files('alice').longestRead(), FILE_CHUNK_BYTES)
    }))
})

describe('rows that are to be deleted', () => {
  it('are not those of a file that is sent while others go', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const alice = world.messenger('alice')
      const dropped = await sendBytes(pair, 'alice', fileOf(1_000 * KIB))
      const kill = killAfter(pair, 'alice', 1)
      await alice.cancelAttachment({ contactId: ids.alice, messageId: dropped })
      assert.ok(kill.batches() > 1 && chunkRows(pair, 'alice') > 100, 'the control: rows are left to delete')

      const file = fileOf(10 * KIB, 2)
      let emptying: Promise<unknown> | undefined
      world.beforeBatch('alice', (operations) => {
        if (!operations.some(({ type, table }) => type === 'put' && table === 'attachment-chunk')) return
        emptying ??= alice.cancelAttachment({ contactId: ids.alice, messageId: dropped })
      })
      await sendBytes(pair, 'alice', file)
      assert.ok(
        emptying !== undefined && chunkRows(pair, 'alice') > fileChunkCount(file.length),
        'the control: both at once',
      )
      await emptying
      world.beforeBatch('alice', undefined)
      assert.equal(chunkRows(pair, 'alice'), fileChunkCount(file.length))
      const hasCome = async (): Promise<boolean> => (await statesOf(pair, 'bob')).includes('complete')
      await passUntil(pair, 'the file', hasCome, DAY_MS)
    }))
})
