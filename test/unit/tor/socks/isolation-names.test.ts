import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OnionAddress } from '../../../../src/ports/index.ts'
import { createIsolationNames, RENAMED_MAX_COUNT } from '../../../../src/tor/socks/isolation-names.ts'

const addressNumber = (number: number): OnionAddress => String(number).padStart(56, 'a') as OnionAddress
const [here, there] = [addressNumber(0), addressNumber(1)]
const create = () => createIsolationNames(new Uint8Array(32).fill(1))

describe('isolation names', () => {
  it('are one for each token, whatever the service, and others after another start', () => {
    const names = create()
    const name = names.of('token', here)
    assert.equal(names.of('token', here), name)
    assert.equal(names.of('token', there), name)
    assert.notEqual(names.of('tokens', here), name)
    assert.notEqual(createIsolationNames(new Uint8Array(32)).of('token', here), name)
    assert.throws(() => names.of('', here), RangeError)
  })

  it('change for one service and token, once for each circuit that was left', () => {
    const names = create()
    const first = names.of('token', here)
    names.leave('token', here, first)
    const second = names.of('token', here)
    // Two dials shared the first circuit: the later one's end says nothing of the second.
    names.leave('token', here, first)
    assert.equal(names.of('token', here), second)
    assert.equal(names.of('token', there), first)
    names.leave('token', there, first)
    names.leave('token', here, second)
    const all = [first, second, names.of('token', here), names.of('token', there)]
    assert.equal(new Set(all).size, all.length)
  })

  it('are never those of another token, however tokens are spelled', () => {
    const names = create()
    const seen = new Set<string>()
    for (const token of ['x', '1 x', '2 x', '0 x', '1', '1 1 x']) {
      for (let turn = 0; turn < 3; turn += 1) {
        const name = names.of(token, here)
        assert.ok(!seen.has(name), token)
        seen.add(name)
        names.leave(token, here, name)
      }
    }
  })

  it('keep a bounded number of changes, the newest', () => {
    const names = create()
    const first = names.of('token', here)
    for (let number = 0; number <= RENAMED_MAX_COUNT; number += 1) names.leave('token', addressNumber(number), first)
    assert.equal(names.of('token', here), first)
    assert.notEqual(names.of('token', there), first)
    assert.notEqual(names.of('token', addressNumber(RENAMED_MAX_COUNT)), first)
  })
})
