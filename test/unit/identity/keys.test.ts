import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import {
  createIdentityKeys,
  createPrekeys,
  decodeIdentityKeys,
  decodePrekeyBundle,
  decodePrekeys,
  encodeIdentityKeys,
  encodePrekeyBundle,
  encodePrekeys,
  identityHash,
  prekeyBundle,
  publicIdentity,
} from '../../../src/identity/index.ts'
import { PREKEY_BUNDLE_BYTES } from '../../../src/wire/index.ts'

describe('identity keys', () => {
  it('survive storage', () => {
    const keys = createIdentityKeys()
    assert.deepEqual(decodeIdentityKeys(encodeIdentityKeys(keys)), keys)
  })

  it('are new each time', () => {
    const hashes = new Set(
      Array.from({ length: 8 }, () => hexEncode(identityHash(publicIdentity(createIdentityKeys())))),
    )
    assert.equal(hashes.size, 8)
  })

  it('are refused in another length or version', () => {
    const bytes = encodeIdentityKeys(createIdentityKeys())
    assert.equal(decodeIdentityKeys(bytes.slice(1)), undefined)
    assert.equal(decodeIdentityKeys(new Uint8Array([...bytes, 0])), undefined)
    assert.equal(decodeIdentityKeys(bytes.with(0, 2)), undefined)
    assert.equal(decodeIdentityKeys(new Uint8Array(0)), undefined)
  })

  it('give the hash that spec 06-identity §2 fixes', () => {
    const identity = { ed25519: new Uint8Array(32).fill(1), x25519: new Uint8Array(32).fill(2) }
    assert.equal(hexEncode(identityHash(identity)), 'f5bd0167c5b9dc2d752f54170c1d4cc52c34c9c1aaf489d9175c30850f1ee722')
    const swapped = { ed25519: identity.x25519, x25519: identity.ed25519 }
    assert.notDeepEqual(identityHash(swapped), identityHash(identity))
  })
})

describe('prekeys', () => {
  it('survive storage', () => {
    const prekeys = createPrekeys()
    assert.deepEqual(decodePrekeys(encodePrekeys(prekeys)), prekeys)
  })

  it('are refused in another length or version', () => {
    const bytes = encodePrekeys(createPrekeys())
    assert.equal(decodePrekeys(bytes.slice(1)), undefined)
    assert.equal(decodePrekeys(new Uint8Array([...bytes, 0])), undefined)
    assert.equal(decodePrekeys(bytes.with(0, 0)), undefined)
  })

  it('share nothing but public halves in a bundle', () => {
    const own = createIdentityKeys()
    const prekeys = createPrekeys()
    const bytes = encodePrekeyBundle(prekeyBundle(own, prekeys))
    assert.equal(bytes.length, PREKEY_BUNDLE_BYTES)
    const secrets = [
      own.ed25519Seed,
      own.x25519.privateKey,
      prekeys.signedPrekey.privateKey,
      prekeys.oneTimePrekey.privateKey,
    ]
    for (const secret of [...secrets, prekeys.kemSeed])
      assert.equal(hexEncode(bytes).includes(hexEncode(secret)), false)
    assert.deepEqual(decodePrekeyBundle(bytes), prekeyBundle(own, prekeys))
  })

  it('have bundles of one version and length', () => {
    const bytes = encodePrekeyBundle(prekeyBundle(createIdentityKeys(), createPrekeys()))
    assert.equal(decodePrekeyBundle(bytes.with(0, 2)), undefined)
    assert.equal(decodePrekeyBundle(bytes.slice(0, -1)), undefined)
    assert.equal(decodePrekeyBundle(new Uint8Array([...bytes, 0])), undefined)
  })
})
