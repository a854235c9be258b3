import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../../src/base/index.ts'
import { CLIENT_FUNCTIONS } from '../../../../src/mailbox/client/deps.ts'
import { createLoops, loopResidenceMs } from '../../../../src/mailbox/client/loops.ts'
import {
  LOOP_MAX_COUNT,
  LOOP_OVERDUE_MAX_COUNT,
  LOOP_PATIENCE_SLOTS,
  LOOP_RESIDENCE,
} from '../../../../src/mailbox/client/options.ts'
import {
  BOX_LIFETIME_MS,
  createPoller,
  MAILBOX_PARAMETERS,
  testParameters,
  verifyBox,
  verifyTombstone,
} from '../../../../src/mailbox/index.ts'
import { fileSlotsPerDay, LOOP_BESIDE_TALK_SLOTS, PROFILE_NAMES, profileOf } from '../../../../src/padding/index.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'

/** `draw` gives what `uniform` gives: 0.75 rests some hours and is then checked, 0.25 is fetched without a check. */
function create({ draw = 0.75, maxCount }: { readonly draw?: number; readonly maxCount?: number } = {}) {
  const clock = createVirtualClock()
  const random = { ...createSeededRandom(1), uniform: () => draw }
  const poller = createPoller(random)
  const probes: string[] = []
  const loops = createLoops({
    clock,
    random,
    parameters: MAILBOX_PARAMETERS,
    poller,
    ...(maxCount === undefined ? {} : { maxCount }),
    noteProbe: (suspects, lost) =>
      void probes.push(
        `${lost ? 'lost' : 'back'} ${suspects.map(({ hostKey, role }) => `${hostKey}:${role}`).join(' ')}`,
      ),
  })
  return { clock, poller, probes, loops }
}

describe('loopResidenceMs', () => {
  it('is drawn from the mixture', () => {
    const random = createSeededRandom(3)
    const drawn = Array.from({ length: 20_000 }, () => loopResidenceMs(random, MAILBOX_PARAMETERS))
    const share = (fromMs: number, toMs: number): number =>
      drawn.filter((ms) => ms >= fromMs && ms <= toMs).length / drawn.length
    // Five standard errors of a share of 20,000.
    assert.ok(Math.abs(share(0, 5 * MINUTE_MS) - 0.7) < 0.017)
    assert.ok(Math.abs(share(HOUR_MS, 12 * HOUR_MS) - 0.2) < 0.015)
    assert.ok(Math.abs(share(DAY_MS, 13 * DAY_MS) - 0.1) < 0.011)
    assert.ok(Math.max(...drawn) < BOX_LIFETIME_MS)
    assert.equal(share(5 * MINUTE_MS + 1, HOUR_MS - 1), 0)
  })

  it('is as much shorter as the rhythm is faster', () => {
    const slow = loopResidenceMs(createSeededRandom(4), MAILBOX_PARAMETERS)
    assert.ok(Math.abs(loopResidenceMs(createSeededRandom(4), testParameters(10)) - slow / 10) < 1)
  })
})

describe('LOOP_MAX_COUNT', () => {
  it('has room for what every profile writes, so that no host tells loops by nobody fetching them', () => {
    const restDays =
      LOOP_RESIDENCE.reduce((sum, { share, fromMs, toMs }) => sum + (share * (fromMs + toMs)) / 2, 0) / DAY_MS
    for (const name of PROFILE_NAMES) {
      const { bulk, write } = fileSlotsPerDay(profileOf(name))
      assert.ok((write + bulk) * restDays < 0.85 * LOOP_MAX_COUNT, `${name} keeps ${(write + bulk) * restDays}`)
    }
  })
})

describe('createLoops', () => {
  it('leaves new loops to their expiry while too many wait to be looked for, and only then', async () => {
    const clock = createVirtualClock()
    const random = createSeededRandom(1)
    const poller = createPoller(random)
    const keys = CLIENT_FUNCTIONS.createLoopKeys()
    const loops = createLoops({
      clock,
      random,
      parameters: MAILBOX_PARAMETERS,
      poller,
      functions: {
        ...CLIENT_FUNCTIONS,
        createLoopKeys: () => ({ ...keys, boxId: random.bytes(32) }),
        sealBox: ({ boxId }) => ({ boxId, signature: new Uint8Array(), ciphertext: new Uint8Array() }),
      },
      noteProbe: () => undefined,
    })
    const write = (): Uint8Array => {
      const { box, keep } = loops.create()
      keep()
      loops.noteWritten(box.boxId, ['h1'])
      return box.boxId
    }
    for (let count = 0; count <= LOOP_OVERDUE_MAX_COUNT; count += 1) write()
    loops.tend(false)
    assert.equal(loops.has(write()), true, 'they rest')
    await clock.advance(14 * DAY_MS)
    loops.tend(false)
    assert.equal(loops.has(write()), false)
    for (let slot = 0; slot < 6; slot += 1) {
      loops.nextFetch()
      loops.tend(false)
    }
    assert.equal(loops.has(write()), true)
  })

  it('rests, looks, reads and buries', async () => {
    const { clock, loops, poller, probes } = create()
    const { box, keep } = loops.create()
    keep()
    assert.equal(verifyBox(box), true)
    loops.noteWritten(box.boxId, ['h1', 'h2'])
    assert.equal(poller.isWatched(box.boxId), false)
    assert.equal(loops.returnShare(), undefined)
    await clock.advance(13 * DAY_MS)
    loops.tend(false)
    assert.equal(poller.isWatched(box.boxId), true)
    assert.equal(loops.noteRead({ ...box, ciphertext: box.ciphertext.map((byte) => byte ^ 1) }), undefined)
    const signature = loops.noteRead(box)
    assert.ok(signature !== undefined && verifyTombstone(box.boxId, signature))
    assert.equal(loops.has(box.boxId), false)
    assert.equal(loops.returnShare(), 1)
    assert.deepEqual(probes, ['back h1:replica h2:replica'])
  })

  it('gives a part of them to be fetched without a check, each once, and checks it when it missed', async () => {
    const { clock, loops, poller, probes } = create({ draw: 0.25 })
    const { box, keep } = loops.create()
    keep()
    loops.noteWritten(box.boxId, ['h1'])
    assert.equal(loops.nextFetch(), undefined)
    await clock.advance(13 * DAY_MS)
    loops.tend(false)
    assert.equal(poller.isWatched(box.boxId), false)
    assert.deepEqual(loops.nextFetch(), box.boxId)
    assert.equal(loops.nextFetch(), undefined)
    // Late, and lost after that.
    loops.noteFetchMissed(box.boxId)
    loops.noteFetchMissed(box.boxId)
    assert.equal(loops.nextFetch(), undefined)
    assert.equal(poller.isWatched(box.boxId), true)
    assert.ok(loops.noteRead(box) !== undefined)
    poller.unwatch(box.boxId)
    loops.noteFetchMissed(box.boxId)
    assert.equal(poller.isWatched(box.boxId), false)
    assert.deepEqual(probes, ['back h1:replica'])
  })

  it('gives up those as well', async () => {
    const { clock, loops, poller, probes } = create({ draw: 0.25 })
    const { box, keep } = loops.create()
    keep()
    loops.noteWritten(box.boxId, ['h1'])
    await clock.advance(13 * DAY_MS)
    for (let slot = 0; slot <= LOOP_PATIENCE_SLOTS; slot += 1) {
      loops.tend(false)
      loops.nextFetch()
      loops.noteFetchMissed(box.boxId)
    }
    assert.equal(poller.isWatched(box.boxId), false)
    assert.deepEqual(probes, ['lost h1:replica'])
  })

  it('stands back while the next box of a contact is expected, and comes back to it now and then', async () => {
    for (const draw of [0.25, 0.75]) {
      const { clock, loops, poller } = create({ draw })
      for (let count = 0; count < 8; count += 1) {
        const { box, keep } = loops.create()
        keep()
        loops.noteWritten(box.boxId, ['h1'])
      }
      await clock.advance(13 * DAY_MS)
      poller.watch(new Uint8Array(32), { hot: true, next: true })
      let lookedFor = 0
      for (let slot = 0; slot < 3 * LOOP_BESIDE_TALK_SLOTS; slot += 1) {
        const before = poller.size
        loops.tend(false)
        if (poller.size > before || loops.nextFetch() !== undefined) lookedFor += 1
      }
      assert.equal(lookedFor, 3)
      const before = poller.size
      loops.tend(true)
      assert.ok(poller.size > before || loops.nextFetch() !== undefined, 'a bulk window is not for answers')
    }
  })

  it('gives up what was looked for in vain, and counts it against who said that he keeps it', async () => {
    const { clock, loops, poller, probes } = create()
    const { box, keep } = loops.create()
    keep()
    loops.noteWritten(box.boxId, ['h1'])
    await clock.advance(13 * DAY_MS)
    loops.tend(false)
    for (let slot = 1; slot < LOOP_PATIENCE_SLOTS; slot += 1) loops.tend(false)
    assert.equal(poller.isWatched(box.boxId), true)
    loops.tend(false)
    assert.equal(poller.isWatched(box.boxId), false)
    assert.equal(loops.returnShare(), 0)
    assert.deepEqual(probes, ['lost h1:replica'])
  })

  it('never looks for what was not stored, and forgets what never left', () => {
    const { loops, poller } = create()
    const lost = loops.create()
    lost.keep()
    loops.noteWritten(lost.box.boxId, undefined)
    assert.equal(loops.has(lost.box.boxId), false)
    const unsent = loops.create()
    assert.equal(loops.has(unsent.box.boxId), false)
    loops.noteWritten(unsent.box.boxId, ['h1'])
    loops.tend(false)
    assert.equal(poller.size, 0)
  })

  it('lets one in with each read slot, the oldest first, and none while something waits to be fetched', async () => {
    const { clock, loops, poller } = create()
    const boxes = Array.from({ length: 4 }, () => {
      const { box, keep } = loops.create()
      keep()
      loops.noteWritten(box.boxId, ['h1'])
      return box
    })
    await clock.advance(13 * DAY_MS)
    loops.tend(false)
    assert.deepEqual(
      boxes.map(({ boxId }) => poller.isWatched(boxId)),
      [true, false, false, false],
    )
    loops.tend(false)
    assert.equal(poller.size, 2)
    const [first] = boxes
    assert.ok(first !== undefined)
    poller.noteHit(first.boxId, 0)
    for (let slot = 0; slot < 5; slot += 1) loops.tend(false)
    assert.equal(poller.size, 2)
    assert.deepEqual(poller.takeSlot(8).fetch?.boxId, first.boxId)
    loops.tend(false)
    assert.equal(poller.size, 3)
  })

  it('gives a lost one to a later slot as it was, and to the one after when that slot did not need it', async () => {
    const { clock, loops, poller, probes } = create()
    const first = loops.create()
    first.keep()
    loops.noteLost(first.box.boxId)
    assert.equal(loops.returnShare(), 0)
    const offered = loops.create()
    assert.deepEqual(offered.box, first.box)
    // While it is offered, another lane gets another loop.
    assert.notDeepEqual(loops.create().box.boxId, first.box.boxId)
    offered.drop()
    const second = loops.create()
    assert.deepEqual(second.box, first.box)
    second.keep()
    loops.noteWritten(first.box.boxId, ['h1'])
    assert.notDeepEqual(loops.create().box.boxId, first.box.boxId)
    await clock.advance(13 * DAY_MS)
    loops.tend(false)
    assert.equal(poller.isWatched(first.box.boxId), true)
    assert.ok(loops.noteRead(first.box) !== undefined)
    assert.deepEqual(probes, ['back h1:replica'])
    // What never left, or is unknown, is nothing.
    const unsent = loops.create()
    unsent.drop()
    loops.noteLost(unsent.box.boxId)
    assert.notDeepEqual(loops.create().box.boxId, unsent.box.boxId)
  })

  it('keeps a bounded number', () => {
    const { loops } = create({ maxCount: 5 })
    let kept = 0
    for (let index = 0; index < 8; index += 1) {
      const { box, keep } = loops.create()
      keep()
      if (loops.has(box.boxId)) kept += 1
    }
    assert.equal(kept, 5)
  })
})
