import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, hexEncode, MINUTE_MS, STEADY_JUMP_MS } from '../../src/base/index.ts'
import { deriveBoxKeys, fileBoxSeed, sealBox } from '../../src/mailbox/index.ts'
import { type BoxBody, encodeBox, encodeBoxBody, FILE_CHUNK_BYTES, fileChunkCount } from '../../src/wire/index.ts'
import {
  attachmentEvents,
  chunkRows,
  fileOf,
  fileRows,
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

describe('a file for somebody who is offline', () => {
  it('waits at the hosts, and comes byte for byte when the sender has gone', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      const file = fileOf(200 * KIB)
      await world.stopOne('bob')
      await sendBytes(pair, 'alice', file, 'holi/day\u202e.jpeg')
      assert.deepEqual(await statesOf(pair, 'alice'), ['queued'])
      await untilAll(pair, 'alice', 'stored', 12 * HOUR_MS)
      const [sent] = await shownFiles(pair, 'alice')
      assert.equal(sent?.transfer.chunksDone, fileChunkCount(file.length))
      assert.ok((sent.transfer.untilMs ?? 0) > world.clock.nowMs() + 13 * DAY_MS)
      assert.equal(chunkRows(pair, 'alice'), 0, 'what hosts have is not kept')
      await world.stopOne('alice')

      await world.restart('bob')
      await untilAll(pair, 'bob', 'complete', 12 * HOUR_MS)
      const [got] = await shownFiles(pair, 'bob')
      assert.equal(got?.name, 'day_.jpeg')
      assert.equal(got.bytes, file.length)
      assert.deepEqual(await savedBytes(pair, 'bob', got.messageId), file)
      // Every box was taken back, and both sides told of it at most once a tenth.
      const left = [...world.mailboxes.boxes.values()].filter(({ box }) => box !== undefined)
      assert.ok(left.length < 20, `${left.length} boxes are left`)
      const states = (await attachmentEvents(pair, 'bob')).map(({ state }) => state)
      assert.ok(states.length >= 8 && states.length <= 12 && states.at(-1) === 'complete', states.join())
    }))

  it('goes both ways at once, while texts overtake it', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const files = { alice: fileOf(30 * KIB, 2), bob: fileOf(5, 3) }
      await sendBytes(pair, 'alice', files.alice)
      await sendBytes(pair, 'bob', files.bob)
      await world.clock.advance(5 * MINUTE_MS)
      const before = (await shownFiles(pair, 'alice'))[0]?.transfer
      assert.equal(before?.state, 'sending', 'the control: the file is on its way')
      await world.messenger('alice').send({ contactId: ids.alice, text: 'meanwhile' })
      const hasText = async (): Promise<boolean> =>
        (await world.messenger('bob').listMessages({ contactId: ids.bob })).some(({ text }) => text === 'meanwhile')
      await passUntil(pair, 'the text', hasText, 10 * MINUTE_MS)
      assert.notEqual((await shownFiles(pair, 'alice'))[0]?.transfer.state, 'stored')
      const isDone = async (): Promise<boolean> =>
        (await Promise.all([statesOf(pair, 'alice'), statesOf(pair, 'bob')]))
          .flat()
          .every((state) => /stored|complete/.test(state))
      await passUntil(pair, 'both', isDone, 4 * HOUR_MS)
      for (const [name, from] of [
        ['bob', 'alice'],
        ['alice', 'bob'],
      ] as const) {
        const got = (await shownFiles(pair, name)).find(({ direction }) => direction === 'received')
        assert.deepEqual(await savedBytes(pair, name, got?.messageId ?? ''), files[from])
      }
    }))

  it('may be empty, or as long as its bucket to the byte', () =>
    withFilePair(async (pair) => {
      const files = [new Uint8Array(), fileOf(16 * KIB), new Uint8Array(16 * KIB - 1)]
      for (const file of files) await sendBytes(pair, 'alice', file)
      await untilAll(pair, 'alice', 'stored', 4 * HOUR_MS)
      await untilAll(pair, 'bob', 'complete', 4 * HOUR_MS)
      for (const [index, { messageId }] of (await shownFiles(pair, 'bob')).entries()) {
        assert.deepEqual(await savedBytes(pair, 'bob', messageId), files[index])
      }
    }))

  it('survives restarts of both, lost writes, full hosts and boxes that are hard to find', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      const random = createSeededRandom(5)
      const file = fileOf(60 * KIB, 6)
      let losses = 0
      world.mailboxes.onWrite = () => {
        if (random.uniform() < 0.7) return undefined
        losses += 1
        return losses % 5 === 0 ? { status: 'full', retryAfterMs: 5 * MINUTE_MS } : { status: 'lost' }
      }
      let hidden = 0
      world.mailboxes.onRead = () => {
        const isHidden = random.uniform() < 0.3
        if (isHidden) hidden += 1
        return !isHidden
      }
      await sendBytes(pair, 'alice', file)
      let restarts = 0
      const isComplete = async (): Promise<boolean> => (await statesOf(pair, 'bob'))[0] === 'complete'
      while (!(await isComplete())) {
        await world.clock.advance(7 * MINUTE_MS)
        await world.restart(restarts % 2 === 0 ? 'bob' : 'alice')
        restarts += 1
        assert.ok(restarts < 100, 'never complete')
      }
      assert.ok(losses > 10 && hidden > 10 && restarts >= 5, `${losses} losses, ${hidden} hidden, ${restarts} restarts`)
      const [got] = await shownFiles(pair, 'bob')
      assert.deepEqual(await savedBytes(pair, 'bob', got?.messageId ?? ''), file)
      await untilAll(pair, 'alice', 'stored', 4 * HOUR_MS)
    }))
})

describe('what hosts do to a file', () => {
  it('a write that is lost on its way back, while the reader has taken the box, does not end the transfer', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      // Stored, but the sender is told that it is not, until the reader has it.
      const seen = new Set<string>()
      let lies = 0
      world.mailboxes.onWrite = (box) => {
        const id = hexEncode(box.boxId)
        if (seen.has(id) || seen.size % 3 !== 0) {
          seen.add(id)
          return undefined
        }
        seen.add(id)
        lies += 1
        world.mailboxes.boxes.set(id, {
          box,
          bytes: new Uint8Array(),
          expiresAtMs: world.clock.nowMs() + DAY_MS,
        })
        return { status: 'lost' }
      }
      await sendBytes(pair, 'alice', fileOf(10 * KIB))
      await untilAll(pair, 'bob', 'complete', 4 * HOUR_MS)
      await untilAll(pair, 'alice', 'stored', 4 * HOUR_MS)
      assert.ok(lies >= 3, `${lies} lies`)
    }))

  it('a damaged box is as good as missing, and comes when another host has it', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      const file = fileOf(12 * KIB, 9)
      await world.stopOne('bob')
      await sendBytes(pair, 'alice', file)
      await untilAll(pair, 'alice', 'stored', 4 * HOUR_MS)
      const damaged = [...world.mailboxes.boxes.values()].flatMap((stored) => {
        const { box } = stored
        if (box === undefined) return []
        stored.box = { ...box, ciphertext: box.ciphertext.with(500, (box.ciphertext[500] ?? 0) ^ 1) }
        return [{ stored, box }]
      })
      // The announcement has to be read to begin with.
      const announcement = damaged.slice(0, -fileChunkCount(file.length))
      for (const { stored, box } of announcement) stored.box = box
      await world.restart('bob')
      await world.clock.advance(2 * HOUR_MS)
      assert.deepEqual(await statesOf(pair, 'bob'), ['downloading'])
      assert.equal((await shownFiles(pair, 'bob'))[0]?.transfer.chunksDone, 0)
      for (const { stored, box } of damaged) stored.box = box
      await untilAll(pair, 'bob', 'complete', 4 * HOUR_MS)
      const [got] = await shownFiles(pair, 'bob')
      assert.deepEqual(await savedBytes(pair, 'bob', got?.messageId ?? ''), file)
    }))

  it('hosts that take nothing for two weeks: both sides say so, and keep nothing', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      await sendBytes(pair, 'alice', fileOf(5))
      await untilAll(pair, 'bob', 'downloading', HOUR_MS)
      world.mailboxes.onWrite = () => ({ status: 'lost' })
      await world.clock.advance(10 * MINUTE_MS)
      assert.notDeepEqual([...(await statesOf(pair, 'alice')), ...(await statesOf(pair, 'bob'))], ['failed', 'failed'])
      // One chunk or the other has come by now; the rest never does.
      world.clock.jumpWallClock(14 * DAY_MS)
      await world.clock.advance(2 * STEADY_JUMP_MS)
      for (const name of ['alice', 'bob'] as const) {
        const [file] = await shownFiles(pair, name)
        assert.equal(file?.transfer.state, 'failed')
        assert.equal(file.transfer.failure, 'ATTACHMENT_EXPIRED')
        assert.equal(chunkRows(pair, name), 0)
        assert.deepEqual(world.storedKeys(name, 'attachment-key\0'), [])
      }
      const [file] = await shownFiles(pair, 'bob')
      const gone = { contactId: ids.bob, messageId: file?.messageId ?? '' }
      await assert.rejects(world.messenger('bob').downloadAttachment(gone), { code: 'ATTACHMENT_ENDED' })
      await assert.rejects(world.messenger('bob').saveAttachment({ ...gone, path: '/x' }), { code: 'ATTACHMENT_ENDED' })
    }))
})

describe('what a contact sends that is not what it announced', () => {
  it('a hash that is wrong: failed, never shown as complete, nothing kept', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      let changed = 0
      world.beforeBatch('bob', (operations) => {
        for (const operation of operations) {
          if (operation.type !== 'put' || operation.table !== 'attachment-chunk' || changed > 0) continue
          operation.value[3] = (operation.value[3] ?? 0) ^ 1
          changed += 1
        }
      })
      await sendBytes(pair, 'alice', fileOf(10 * KIB))
      await untilAll(pair, 'bob', 'failed', 4 * HOUR_MS)
      assert.equal(changed, 1)
      assert.equal((await shownFiles(pair, 'bob'))[0]?.transfer.failure, 'ATTACHMENT_DAMAGED')
      assert.equal(chunkRows(pair, 'bob'), 0)
      assert.ok((await attachmentEvents(pair, 'bob')).every(({ state }) => state !== 'complete'))
    }))

  it('a box that is no chunk: failed at once, since the chunk cannot come any more', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      let fileKey = new Uint8Array()
      world.beforeBatch('bob', (operations) => {
        for (const operation of operations) {
          if (operation.type === 'put' && operation.table === 'attachment-key') fileKey = operation.value.slice()
        }
      })
      const garbage = (index: number, body: BoxBody): void => {
        const box = sealBox(deriveBoxKeys(fileBoxSeed(fileKey, index)), encodeBoxBody(body))
        const expiresAtMs = world.clock.nowMs() + DAY_MS
        world.mailboxes.boxes.set(hexEncode(box.boxId), { box, bytes: encodeBox(box), expiresAtMs })
      }
      const bytes = new Uint8Array(FILE_CHUNK_BYTES)
      for (const body of [{ kind: 'loop' }, { kind: 'chunk', index: 8, bytes }] as const) {
        await sendBytes(pair, 'alice', fileOf(5))
        await passUntil(pair, 'the announcement', async () => fileKey.length > 0, HOUR_MS)
        garbage(9, body)
        const isOver = async (): Promise<boolean> => (await statesOf(pair, 'bob')).at(-1) === 'failed'
        await passUntil(pair, 'the failure', isOver, HOUR_MS)
        assert.equal((await shownFiles(pair, 'bob')).at(-1)?.transfer.failure, 'ATTACHMENT_DAMAGED')
        await world.clock.advance(MINUTE_MS)
        assert.equal(chunkRows(pair, 'bob'), 0)
        fileKey = new Uint8Array()
      }
      // The control: the right chunk from the same hand is taken.
      await sendBytes(pair, 'alice', new Uint8Array(5))
      await passUntil(pair, 'the announcement', async () => fileKey.length > 0, HOUR_MS)
      garbage(9, { kind: 'chunk', index: 9, bytes })
      const isThere = async (): Promise<boolean> => (await statesOf(pair, 'bob')).at(-1) === 'complete'
      await passUntil(pair, 'the file', isThere, HOUR_MS)
    }))

  it('padding that is not zero: failed as well', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      world.beforeBatch('bob', (operations) => {
        for (const operation of operations) {
          const isLast = operation.table === 'attachment-chunk' && operation.key.endsWith(`/${fileChunkCount(5) - 1}`)
          if (operation.type === 'put' && isLast) operation.value[operation.value.length - 1] = 1
        }
      })
      await sendBytes(pair, 'alice', fileOf(5))
      await untilAll(pair, 'bob', 'failed', 4 * HOUR_MS)
    }))
})

describe('what the user decides about a file', () => {
  it('a large one waits until it is asked for, and can be refused', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      await sendBytes(pair, 'alice', new Uint8Array(1_100 * KIB))
      await sendBytes(pair, 'alice', new Uint8Array(1_100 * KIB))
      await passUntil(pair, 'both', async () => (await statesOf(pair, 'bob')).length === 2, HOUR_MS)
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await statesOf(pair, 'bob'), ['offered', 'offered'])
      assert.equal(chunkRows(pair, 'bob'), 0)
      const [first, second] = await shownFiles(pair, 'bob')
      const bob = world.messenger('bob')
      const file = { contactId: ids.bob, messageId: first?.messageId ?? '' }
      await assert.rejects(bob.saveAttachment({ ...file, path: '/x' }), { code: 'ATTACHMENT_INCOMPLETE' })
      assert.equal((await bob.downloadAttachment(file)).transfer.state, 'downloading')
      assert.equal((await bob.downloadAttachment(file)).transfer.state, 'downloading')
      await world.clock.advance(HOUR_MS)
      assert.ok(chunkRows(pair, 'bob') > 10)
      assert.equal((await bob.cancelAttachment(file)).transfer.state, 'cancelled')
      assert.equal(chunkRows(pair, 'bob'), 0)
      const other = { contactId: ids.bob, messageId: second?.messageId ?? '' }
      assert.equal((await bob.cancelAttachment(other)).transfer.state, 'cancelled')
      await world.restart('bob')
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await statesOf(pair, 'bob'), ['cancelled', 'cancelled'])
      assert.equal(chunkRows(pair, 'bob'), 0)
      assert.deepEqual(world.storedKeys('bob', 'attachment-key\0'), [])
    }))

  it('cancelled by the sender: nothing more is written, nothing is kept; what has come can be given up', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const messageId = await sendBytes(pair, 'alice', fileOf(50 * KIB))
      await world.clock.advance(10 * MINUTE_MS)
      const alice = world.messenger('alice')
      const file = { contactId: ids.alice, messageId }
      assert.equal((await alice.cancelAttachment(file)).transfer.state, 'cancelled')
      assert.equal((await alice.cancelAttachment(file)).transfer.state, 'cancelled', 'again')
      assert.equal(chunkRows(pair, 'alice'), 0)
      const boxes = world.mailboxes.boxes.size
      await world.clock.advance(HOUR_MS)
      assert.ok(world.mailboxes.boxes.size <= boxes + 3, 'acknowledgements at most')
      await assert.rejects(alice.downloadAttachment(file), { code: 'ATTACHMENT_UNKNOWN' })
      await assert.rejects(alice.saveAttachment({ ...file, path: '/x' }), { code: 'ATTACHMENT_UNKNOWN' })
      await assert.rejects(alice.cancelAttachment({ ...file, messageId: '0'.repeat(32) }), {
        code: 'ATTACHMENT_UNKNOWN',
      })

      await sendBytes(pair, 'alice', fileOf(5))
      const isSecondThere = async (): Promise<boolean> => (await statesOf(pair, 'bob'))[1] === 'complete'
      await passUntil(pair, 'the second', isSecondThere, 4 * HOUR_MS)
      const second = (await shownFiles(pair, 'bob'))[1]?.messageId ?? ''
      const given = { contactId: ids.bob, messageId: second }
      const rows = chunkRows(pair, 'bob')
      assert.equal((await world.messenger('bob').cancelAttachment(given)).transfer.state, 'cancelled')
      assert.equal(chunkRows(pair, 'bob'), rows - fileChunkCount(5))
    }))

  it('saves to a new file only, at a place that the user names', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      await sendBytes(pair, 'alice', fileOf(5))
      await untilAll(pair, 'bob', 'complete', 4 * HOUR_MS)
      const files = world.files('bob')
      const [got] = await shownFiles(pair, 'bob')
      const save = (path: string) =>
        world.messenger('bob').saveAttachment({ contactId: ids.bob, messageId: got?.messageId ?? '', path })
      await assert.rejects(save('photo.jpeg'), { code: 'ATTACHMENT_PATH_RELATIVE' })
      files.contents.set('/there', Uint8Array.of(7))
      await assert.rejects(save('/there'), { code: 'ATTACHMENT_FILE_EXISTS' })
      assert.deepEqual(files.contents.get('/there'), Uint8Array.of(7))
      files.roomBytes = 3
      await assert.rejects(save('/new'), { code: 'ATTACHMENT_FILE_FAILED' })
      assert.equal(files.contents.has('/new'), false, 'half a file is no file')
      files.roomBytes = 5
      await save('/new')
      assert.deepEqual(files.contents.get('/new'), fileOf(5))
      assert.equal(files.openCount(), 0)
    }))

  it('a contact that is removed leaves no row of a file, on either side', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      await sendBytes(pair, 'alice', fileOf(5))
      await untilAll(pair, 'bob', 'complete', 4 * HOUR_MS)
      await sendBytes(pair, 'alice', fileOf(40 * KIB))
      await sendBytes(pair, 'bob', fileOf(40 * KIB))
      await world.clock.advance(20 * MINUTE_MS)
      for (const name of ['alice', 'bob'] as const) {
        assert.ok(fileRows(pair, name).length > 10, 'the control: there are rows')
        await world.messenger(name).removeContact(ids[name])
        assert.deepEqual(fileRows(pair, name), [])
      }
      await world.clock.advance(HOUR_MS)
      for (const name of ['alice', 'bob'] as const) {
        await world.restart(name)
        assert.deepEqual(fileRows(pair, name), [])
      }
    }))

  it('for somebody who is blocked nothing is fetched, written or taken back; afterwards it goes on', () =>
    withFilePair(async (pair) => {
      const { world, ids } = pair
      const file = fileOf(50 * KIB)
      await sendBytes(pair, 'alice', file)
      await world.clock.advance(8 * MINUTE_MS)
      await sendBytes(pair, 'bob', fileOf(5))
      assert.deepEqual(await statesOf(pair, 'bob'), ['downloading', 'queued'])
      await world.messenger('bob').block(ids.bob)
      const before = await shownFiles(pair, 'bob')
      const written = new Set<string>()
      const read = new Set<string>()
      world.mailboxes.onWrite = (box) => {
        written.add(hexEncode(box.boxId))
        return undefined
      }
      world.mailboxes.onRead = (boxId) => {
        if (written.has(hexEncode(boxId))) read.add(hexEncode(boxId))
        return true
      }
      await world.clock.advance(2 * HOUR_MS)
      assert.deepEqual(await shownFiles(pair, 'bob'), before)
      // Messages are read as ever; chunks, which most of these are, are not.
      assert.ok(written.size > 20 && read.size < 5, `${read.size} of ${written.size} were read`)
      assert.deepEqual(await statesOf(pair, 'alice'), ['stored'], 'the control: all of it could have been fetched')
      await world.messenger('bob').unblock(ids.bob)
      const isDone = async (): Promise<boolean> =>
        (await statesOf(pair, 'bob')).every((state) => /stored|complete/.test(state))
      await passUntil(pair, 'the rest', isDone, 4 * HOUR_MS)
      const got = (await shownFiles(pair, 'bob')).find(({ direction }) => direction === 'received')
      assert.deepEqual(await savedBytes(pair, 'bob', got?.messageId ?? ''), file)
    }))

  it('no contact makes us fetch more than a few files at a time; the others wait for them', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      await world.stopOne('bob')
      for (let count = 0; count < 10; count += 1) await sendBytes(pair, 'alice', fileOf(5, count))
      await untilAll(pair, 'alice', 'stored', 12 * HOUR_MS)
      await world.restart('bob')
      let most = 0
      let waited = 0
      const isDone = async (): Promise<boolean> => {
        const states = await statesOf(pair, 'bob')
        most = Math.max(most, states.filter((state) => state === 'downloading').length)
        waited = Math.max(waited, states.filter((state) => state === 'waiting').length)
        return states.length === 10 && states.every((state) => state === 'complete')
      }
      await passUntil(pair, 'all', isDone, 12 * HOUR_MS)
      assert.equal(most, 8)
      assert.ok(waited >= 1)
      for (const [index, { messageId }] of (await shownFiles(pair, 'bob')).entries()) {
        assert.deepEqual(await savedBytes(pair, 'bob', messageId), fileOf(5, index))
      }
    }))
})
