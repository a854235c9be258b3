import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PROFILE_NAMES } from '../../../src/messenger/index.ts'
import { profileFigures, profileOf } from '../../../src/padding/index.ts'
import { FAKE_TIME_MS } from '../../support/fake-messenger.ts'
import { at, startRpc } from '../../support/rpc-fixture.ts'

const CONTACT = 'c'.repeat(32)
const HOUR_MS = 3_600_000

describe('getProfile', () => {
  it('gives the figures of every profile, and what each does not do', async (context) => {
    const { connect } = await startRpc(context)
    const { result } = await (await connect()).ask('getProfile')
    assert.deepEqual([at(result, 'profile'), at(result, 'next')], ['balanced', undefined])
    for (const [index, name] of PROFILE_NAMES.entries()) {
      const shown = at(result, 'available', index)
      const { bytesPerDay, cold, hot } = profileFigures(profileOf(name))
      assert.equal(at(shown, 'profile'), name)
      assert.equal(at(shown, 'bytesPerDay'), bytesPerDay === undefined ? undefined : Math.round(bytesPerDay))
      const lanes = at(shown, 'lanes') as readonly unknown[]
      const sum = lanes.reduce((total: number, lane) => total + Number(at(lane, 'bytesPerDay')), 0)
      assert.ok(Math.abs(sum - (bytesPerDay ?? 0)) < 5, `${name}: ${sum}`)
      assert.equal(at(shown, 'hot', 'lateMs'), hot && Math.round(hot.lateMs))
      assert.equal(at(shown, 'cold', 'expectedMs'), cold && Math.round(cold.expectedMs))
      assert.match(String(at(shown, 'protects')), /^[A-Z].{60,}\.$/)
    }
    assert.deepEqual(at(result, 'inForce'), at(result, 'available', 1))
    assert.match(String(at(result, 'available', 0, 'protects')), /does not resist an observer of the whole network/)
    assert.deepEqual(at(result, 'available', 4, 'sync'), { writeSlots: 12, readSlots: 24, bytes: 169_784 })
    assert.deepEqual(at(result, 'available', 1, 'bulk', 'windowsPerDay'), 4)
    assert.equal(at(result, 'available', 0, 'bulk'), undefined)
  })
})

describe('setProfile', () => {
  it('tells when it takes effect, and takes a change back', async (context) => {
    const client = await (await startRpc(context)).connect()
    const asked = await client.ask('setProfile', { profile: 'low' })
    assert.equal(at(asked, 'result', 'profile'), 'balanced')
    const next = { profile: 'low', atMs: FAKE_TIME_MS + HOUR_MS }
    assert.deepEqual(at(asked, 'result', 'next'), next)
    assert.deepEqual(at(await client.ask('getProfile'), 'result', 'next'), next)
    assert.deepEqual(at(await client.ask('status'), 'result', 'sending', 'nextProfile'), next)
    const back = await client.ask('setProfile', { profile: 'balanced' })
    assert.equal(at(back, 'result', 'next'), undefined)
    const { error } = await client.ask('setProfile', { profile: 'turbo' })
    assert.deepEqual([at(error, 'code'), at(error, 'data', 'path')], [-32602, 'params.profile'])
  })
})

describe('getTraffic', () => {
  it('holds what was counted against the budget, without the live lanes', async (context) => {
    const { connect } = await startRpc(context)
    const { result } = await (await connect()).ask('getTraffic')
    assert.deepEqual([at(result, 'sinceMs'), at(result, 'atMs')], [FAKE_TIME_MS - HOUR_MS, FAKE_TIME_MS])
    const lanes = at(result, 'lanes') as readonly unknown[]
    const lane = (name: string): unknown => lanes.find((each) => at(each, 'lane') === name)
    // 118 of 120 slots of an hour, a hello without its welcome, and a minute of a lane one way.
    assert.deepEqual([at(lane('write'), 'recordsUp'), at(lane('write'), 'budgetPercent')], [118, 98])
    assert.deepEqual([at(lane('setup'), 'recordsUp'), at(lane('setup'), 'recordsDown')], [1, 0])
    assert.deepEqual([at(lane('live'), 'recordsUp'), at(lane('live'), 'budgetBytesPerDay')], [60, undefined])
    const all = lanes.reduce((sum: number, each) => sum + Number(at(each, 'bytes')), 0)
    assert.equal(at(result, 'bytes'), all)
    const planned = all - Number(at(lane('live'), 'bytes'))
    const budget = Number(at(result, 'budgetBytesPerDay'))
    assert.equal(at(result, 'budgetPercent'), Math.round((100 * planned * 24) / budget))
    assert.match(String(at(result, 'notice')), /tor needs for itself .* not in it/)
  })

  it('has no budget for a profile that runs when it is asked to', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.clockFace.state = { name: 'manual', next: undefined }
    const client = await connect()
    const { result } = await client.ask('getTraffic')
    assert.deepEqual([at(result, 'budgetBytesPerDay'), at(result, 'budgetPercent')], [undefined, undefined])
    const status = await client.ask('status')
    assert.deepEqual(at(status, 'result', 'traffic', 'bytes'), at(result, 'bytes'))
    assert.equal(at(status, 'result', 'traffic', 'budgetPercent'), undefined)
  })
})

describe('sync', () => {
  it('is for profile manual', async (context) => {
    const { connect, messenger } = await startRpc(context)
    const client = await connect()
    assert.equal(at(await client.ask('sync'), 'error', 'data', 'code'), 'PROFILE_NOT_MANUAL')
    messenger.clockFace.state = { name: 'manual', next: undefined }
    assert.equal(at(await client.ask('sync'), 'result', 'state'), 'connecting')
    messenger.clockFace.syncState = 'running'
    assert.equal(at(await client.ask('sync'), 'result', 'state'), 'running')
    assert.equal(at(await client.ask('status'), 'result', 'sending', 'syncState'), 'running')
  })
})

describe('estimateSend', () => {
  it('tells way, need and delay for a text, a file, a lane and manual', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT, laneOpen: false })
    const client = await connect()
    const ask = async (params: object): Promise<unknown> =>
      (await client.ask('estimateSend', { recipient: CONTACT, ...params }))['result']
    const text = await ask({ message: 'hi' })
    assert.deepEqual([at(text, 'via'), at(text, 'boxes'), at(text, 'writeSlots')], ['slots', 1, 1])
    assert.ok(Number(at(text, 'stored', 'lateMs')) > Number(at(text, 'stored', 'expectedMs')))
    assert.match(String(at(text, 'note')), /same profile as yours/)
    const file = await ask({ bytes: 60_000 })
    assert.deepEqual([at(file, 'via'), at(file, 'boxes')], ['slots', 48])
    assert.match(String(at(file, 'note')), /bulk windows/)
    messenger.clockFace.state = { name: 'manual', next: undefined }
    const manual = await ask({ bytes: 60_000 })
    assert.deepEqual([at(manual, 'via'), at(manual, 'stored'), at(manual, 'syncs', 'ours')], ['manual', undefined, 5])
    assert.match(String(at(manual, 'note')), /until you sync: 5 syncs of yours/)
    messenger.addContact({ contactId: CONTACT, laneOpen: true })
    const live = await ask({ message: 'hi' })
    assert.deepEqual([at(live, 'via'), at(live, 'boxes'), at(live, 'stored')], ['live', 0, undefined])
  })

  it('wants either a text or a length, and a contact that can be written to', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    for (const [params, code] of [
      [{}, 'ESTIMATE_INPUT_INVALID'],
      [{ message: 'x', bytes: 1 }, 'ESTIMATE_INPUT_INVALID'],
      [{ message: '' }, 'MESSAGE_EMPTY'],
      [{ message: 'x', recipient: 'd'.repeat(32) }, 'CONTACT_UNKNOWN'],
      [{ bytes: -1 }, 'RPC_PARAMS_INVALID'],
    ] as const) {
      const { error } = await client.ask('estimateSend', { recipient: CONTACT, ...params })
      assert.equal(at(error, 'data', 'code'), code)
    }
    assert.equal((await messenger.listMessages({ contactId: CONTACT })).length, 0)
  })
})
