import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concatBytes, utf8Encode } from '../../../src/base/index.ts'
import {
  aeadOpen,
  aeadSeal,
  argon2id,
  constantTimeEqual,
  createEd25519Seed,
  createKemKeyPair,
  createX25519Key,
  createX25519KeyPair,
  deriveOnionKey,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  framed,
  hkdfSha256,
  kemDecapsulate,
  kemEncapsulate,
  kemEncapsulationKey,
  label,
  randomBytes,
  sha256,
  wipe,
  x25519,
  x25519PublicKey,
} from '../../../src/crypto/index.ts'

const KEY = new Uint8Array(32).fill(1)
const NONCE = new Uint8Array(12)

describe('labels and framing', () => {
  it('labels begin with the protocol and version', () => {
    assert.deepEqual(label('ratchet/root'), utf8Encode('noctule/v1/ratchet/root'))
  })

  it('framing tells every two different lists apart', () => {
    const list = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 4 })
    fc.assert(
      fc.property(list, list, (a, b) => {
        const same = a.length === b.length && a.every((field, index) => Buffer.compare(field, b[index] ?? KEY) === 0)
        assert.equal(Buffer.compare(framed(...a), framed(...b)) === 0, same)
      }),
      { numRuns: 500, examples: [[[Uint8Array.of(1, 2)], [Uint8Array.of(1), Uint8Array.of(2)]]] },
    )
    // The control: without lengths the same pair cannot be told apart.
    assert.deepEqual(concatBytes(Uint8Array.of(1, 2)), concatBytes(Uint8Array.of(1), Uint8Array.of(2)))
  })
})

describe('secret bytes', () => {
  it('random bytes have the asked length, own memory, and differ', () => {
    const bytes = randomBytes(32)
    assert.equal(bytes.length, 32)
    assert.equal(bytes.buffer.byteLength, 32, 'a slice of a pool cannot be wiped as a whole')
    assert.notDeepEqual(randomBytes(32), bytes)
    assert.equal(randomBytes(0).length, 0)
  })

  it('no primitive returns a Buffer or a slice of a pool', () => {
    const pair = createX25519KeyPair()
    const kem = createKemKeyPair()
    const sealed = aeadSeal(KEY, NONCE, NONCE, KEY)
    const results = [
      sha256(KEY),
      hkdfSha256(KEY, KEY, KEY, 64),
      pair.privateKey,
      pair.publicKey,
      x25519(KEY, pair.publicKey),
      kem.encapsulationKey,
      kemEncapsulate(kem.encapsulationKey)?.sharedSecret,
      ed25519Sign(KEY, KEY),
      deriveOnionKey(KEY).secretKey,
      sealed,
      aeadOpen(KEY, NONCE, NONCE, sealed),
    ]
    for (const [index, result] of results.entries()) {
      assert.ok(result !== undefined, `result ${index}`)
      assert.equal(Object.getPrototypeOf(result), Uint8Array.prototype, `result ${index}`)
      assert.equal(result.buffer.byteLength, result.length, `result ${index}`)
    }
  })

  it('compares and wipes', () => {
    assert.equal(constantTimeEqual(KEY, KEY.slice()), true)
    assert.equal(constantTimeEqual(KEY, new Uint8Array(32)), false)
    assert.equal(constantTimeEqual(KEY, KEY.subarray(1)), false)
    const a = KEY.slice()
    const b = KEY.slice()
    wipe(a, b)
    assert.deepEqual(concatBytes(a, b), new Uint8Array(64))
  })
})

describe('X25519', () => {
  it('agrees, and answers foreign bytes with undefined but own wrong lengths with an error', () => {
    const alice = createX25519KeyPair()
    const bob = createX25519KeyPair()
    assert.deepEqual(x25519(alice.privateKey, bob.publicKey), x25519(bob.privateKey, alice.publicKey))
    for (const length of [0, 31, 33]) assert.equal(x25519(alice.privateKey, new Uint8Array(length).fill(9)), undefined)
    assert.throws(() => x25519(new Uint8Array(31), bob.publicKey), RangeError)
    assert.throws(() => x25519PublicKey(new Uint8Array(33)), RangeError)
  })

  it('agrees with a key that was never raw bytes, and no two of those are the same', () => {
    const alice = createX25519Key()
    const bob = createX25519KeyPair()
    assert.equal(alice.publicKey().length, 32)
    assert.deepEqual(alice.agree(bob.publicKey), x25519(bob.privateKey, alice.publicKey()))
    assert.equal(alice.agree(new Uint8Array(32)), undefined)
    assert.notDeepEqual(createX25519Key().publicKey(), alice.publicKey())
  })
})

describe('Ed25519', () => {
  it('verifies its own signature and nothing near it', () => {
    const seed = createEd25519Seed()
    const publicKey = ed25519PublicKey(seed)
    const message = utf8Encode('bundle')
    const signature = ed25519Sign(seed, message)
    assert.equal(ed25519Verify(publicKey, message, signature), true)
    assert.equal(ed25519Verify(publicKey, utf8Encode('bundlf'), signature), false)
    assert.equal(ed25519Verify(ed25519PublicKey(createEd25519Seed()), message, signature), false)
  })

  it('takes foreign keys and signatures of any shape for a no', () => {
    const seed = createEd25519Seed()
    const publicKey = ed25519PublicKey(seed)
    const signature = ed25519Sign(seed, KEY)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        assert.equal(ed25519Verify(bytes, KEY, signature), false)
        assert.equal(ed25519Verify(publicKey, KEY, bytes), false)
      }),
    )
    assert.throws(() => ed25519Sign(new Uint8Array(64), KEY), RangeError)
    assert.throws(() => ed25519PublicKey(new Uint8Array(31)), RangeError)
  })
})

describe('ML-KEM-768', () => {
  it('refuses foreign keys and ciphertexts of wrong length or with coefficients that are not reduced', () => {
    const { seed, encapsulationKey } = createKemKeyPair()
    for (const length of [0, 1183, 1185]) assert.equal(kemEncapsulate(new Uint8Array(length)), undefined)
    const unreduced = encapsulationKey.slice()
    unreduced.fill(0xff, 0, 3)
    assert.equal(kemEncapsulate(unreduced), undefined)
    for (const length of [0, 1087, 1089]) assert.equal(kemDecapsulate(seed, new Uint8Array(length)), undefined)
    assert.throws(() => kemDecapsulate(new Uint8Array(63), new Uint8Array(1088)), RangeError)
    assert.throws(() => kemEncapsulationKey(new Uint8Array(65)), RangeError)
  })

  it('gives another secret for a changed ciphertext', () => {
    const { seed, encapsulationKey } = createKemKeyPair()
    const encapsulated = kemEncapsulate(encapsulationKey)
    assert.ok(encapsulated !== undefined)
    assert.deepEqual(kemDecapsulate(seed, encapsulated.ciphertext), encapsulated.sharedSecret)
    const changed = encapsulated.ciphertext.slice()
    changed[500] = (changed[500] ?? 0) ^ 1
    assert.notDeepEqual(kemDecapsulate(seed, changed), encapsulated.sharedSecret)
  })
})

describe('ChaCha20-Poly1305', () => {
  it('opens nothing that was changed, cut or extended, and leaves its input alone', () => {
    const input = fc.record({
      associatedData: fc.uint8Array({ maxLength: 40 }),
      plaintext: fc.uint8Array({ maxLength: 80 }),
    })
    fc.assert(
      fc.property(input, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ associatedData, plaintext }, at, mask) => {
        const sealed = aeadSeal(KEY, NONCE, associatedData, plaintext)
        assert.equal(sealed.length, plaintext.length + 16)
        const changed = sealed.slice()
        changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ mask
        const before = changed.slice()
        assert.equal(aeadOpen(KEY, NONCE, associatedData, changed), undefined)
        assert.deepEqual(changed, before)
        assert.equal(aeadOpen(KEY, NONCE, associatedData, sealed.subarray(0, at % sealed.length)), undefined)
        assert.equal(aeadOpen(KEY, NONCE, associatedData, concatBytes(sealed, Uint8Array.of(0))), undefined)
        assert.equal(aeadOpen(KEY, NONCE, concatBytes(associatedData, Uint8Array.of(0)), sealed), undefined)
      }),
    )
  })

  it('takes keys and nonces of wrong length for a bug', () => {
    assert.throws(() => aeadSeal(new Uint8Array(31), NONCE, NONCE, KEY), RangeError)
    assert.throws(() => aeadSeal(KEY, new Uint8Array(11), NONCE, KEY), RangeError)
    assert.throws(() => aeadOpen(new Uint8Array(33), NONCE, NONCE, KEY), RangeError)
    assert.throws(() => aeadOpen(KEY, new Uint8Array(13), NONCE, KEY), RangeError)
  })
})

describe('Argon2id', () => {
  it('rejects parameters outside the standard', async () => {
    const parameters = { memoryKiB: 1, passes: 1, parallelism: 1 }
    await assert.rejects(() => argon2id(KEY, KEY, parameters, 32))
  })
})
