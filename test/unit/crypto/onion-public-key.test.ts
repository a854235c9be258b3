import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deriveOnionKey, onionPublicKey, randomBytes } from '../../../src/crypto/index.ts'

describe('onionPublicKey', () => {
  it('gives the key that the seed gives', () => {
    for (let round = 0; round < 16; round += 1) {
      const { secretKey, publicKey } = deriveOnionKey(randomBytes(32))
      assert.deepEqual(onionPublicKey(secretKey), publicKey)
    }
  })

  it('tells keys apart', () => {
    const first = deriveOnionKey(new Uint8Array(32).fill(1))
    const second = deriveOnionKey(new Uint8Array(32).fill(2))
    assert.notDeepEqual(onionPublicKey(first.secretKey), second.publicKey)
  })
})
