import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexDecode } from '../../../src/base/index.ts'
import type { OnionAddress } from '../../../src/ports/index.ts'
import { onionAddress, onionPublicKey, parseOnionAddress } from '../../../src/wire/index.ts'

/** The example addresses of rend-spec-v3 [ONIONADDRESS]. */
const SPECIFIED = [
  'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd',
  'sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd',
  'xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd',
]

describe('onionAddress', () => {
  it('takes the specified addresses apart and puts them together again', () => {
    for (const text of SPECIFIED) {
      const address = parseOnionAddress(text)
      assert.ok(address !== undefined)
      assert.equal(onionPublicKey(address).length, 32)
      assert.equal(onionAddress(onionPublicKey(address)), text)
    }
  })

  it('gives the type that the ports ask for', () => {
    const forPorts: OnionAddress = onionAddress(new Uint8Array(32).fill(1))
    const back: Uint8Array = onionPublicKey(forPorts)
    assert.deepEqual(back, new Uint8Array(32).fill(1))
  })

  it('refuses keys of another length', () => {
    assert.throws(() => onionAddress(new Uint8Array(31)), RangeError)
  })
})

describe('parseOnionAddress', () => {
  const good = SPECIFIED[0] ?? ''

  it('refuses every other spelling of the same key', () => {
    for (const text of [good.toUpperCase(), `${good}.onion`, ` ${good}`, good.slice(1), `${good}a`, `${good}=`]) {
      assert.equal(parseOnionAddress(text), undefined)
    }
  })

  it('refuses every single changed character', () => {
    for (let index = 0; index < good.length; index++) {
      for (const letter of 'abcdefghijklmnopqrstuvwxyz234567') {
        if (good[index] === letter) continue
        assert.equal(parseOnionAddress(good.slice(0, index) + letter + good.slice(index + 1)), undefined)
      }
    }
  })

  it('refuses version 2 of the checksum rule and foreign characters', () => {
    assert.equal(parseOnionAddress('0'.repeat(56)), undefined)
    assert.equal(parseOnionAddress('é'.repeat(56)), undefined)
    assert.equal(hexDecode(good), undefined)
  })
})
