import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode, utf8Encode } from '../../../src/base/index.ts'
import {
  aeadOpen,
  aeadSeal,
  argon2id,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  hkdfSha256,
  hmacSha256,
  kemDecapsulate,
  kemEncapsulationKey,
  scrypt,
  sha256,
  sha512,
  sha3256,
  x25519,
} from '../../../src/crypto/index.ts'
import { oracle } from '../../support/oracle.ts'
import { hex, readVectors } from '../../support/vectors.ts'

interface Wycheproof {
  x25519: { cases: { tcId: number; public: string; private: string; shared: string; accepted: boolean }[] }
  ed25519: { publicKey: string; cases: { tcId: number; msg: string; sig: string; accepted: boolean }[] }
  hkdfSha256: { cases: { tcId: number; ikm: string; salt: string; info: string; okm: string }[] }
  chacha20Poly1305: {
    cases: { tcId: number; key: string; iv: string; aad: string; msg: string; ct: string; tag: string }[]
  }
}

const wycheproof = readVectors('wycheproof-subset') as Wycheproof

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && hexEncode(bytes)
}

describe('hashes: FIPS 180-4, FIPS 202, RFC 4231', () => {
  it('SHA-256, SHA-512, SHA3-256', () => {
    const abc = utf8Encode('abc')
    assert.equal(hexEncode(sha256(abc)), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    assert.equal(
      hexEncode(sha512(abc)),
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
        '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    )
    assert.equal(hexEncode(sha3256()), 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a')
    assert.equal(hexEncode(sha3256(abc)), '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532')
  })

  it('HMAC-SHA-256, cases 1 and 2', () => {
    assert.equal(
      hexEncode(hmacSha256(new Uint8Array(20).fill(0x0b), utf8Encode('Hi There'))),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    )
    assert.equal(
      hexEncode(hmacSha256(utf8Encode('Jefe'), utf8Encode('what do ya want '), utf8Encode('for nothing?'))),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  it('HKDF-SHA-256: RFC 5869 and Wycheproof', () => {
    assert.ok(wycheproof.hkdfSha256.cases.length >= 5)
    for (const { tcId, ikm, salt, info, okm } of wycheproof.hkdfSha256.cases) {
      const output = hkdfSha256(hex(ikm), hex(salt), hex(info), okm.length / 2)
      assert.equal(hexEncode(output), okm, `tcId ${tcId}`)
    }
  })
})

describe('X25519: RFC 7748 and Wycheproof', () => {
  it('RFC 7748 §5.2', () => {
    const secret = x25519(
      hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
      hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
    )
    assert.equal(hexOf(secret), 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552')
  })

  it('RFC 7748 §5.2, one and a thousand iterations', () => {
    let scalar: Uint8Array = new Uint8Array(32)
    scalar[0] = 9
    let point = scalar
    for (let round = 1; round <= 1000; round++) {
      const next = x25519(scalar, point)
      assert.ok(next !== undefined)
      point = scalar
      scalar = next
      if (round === 1) {
        assert.equal(hexEncode(scalar), '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
      }
    }
    assert.equal(hexEncode(scalar), '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
  })

  it('Wycheproof subset; all-zero secrets are refused', () => {
    assert.ok(wycheproof.x25519.cases.some((entry) => !entry.accepted))
    for (const entry of wycheproof.x25519.cases) {
      const secret = x25519(hex(entry.private), hex(entry.public))
      assert.equal(hexOf(secret), entry.accepted ? entry.shared : undefined, `tcId ${entry.tcId}`)
    }
  })

  it('refuses the seven encodings of low order', () => {
    const lowOrder = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ]
    for (const publicKey of lowOrder) assert.equal(x25519(new Uint8Array(32).fill(7), hex(publicKey)), undefined)
  })
})

describe('Ed25519: RFC 8032 and Wycheproof', () => {
  it('RFC 8032 §7.1, tests 1 and 2', () => {
    const cases = [
      {
        seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
        publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        message: '',
        signature:
          'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      },
      {
        seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
        publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
        message: '72',
        signature:
          '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      },
    ]
    for (const { seed, publicKey, message, signature } of cases) {
      assert.equal(hexEncode(ed25519PublicKey(hex(seed))), publicKey)
      assert.equal(hexEncode(ed25519Sign(hex(seed), hex(message))), signature)
      assert.equal(ed25519Verify(hex(publicKey), hex(message), hex(signature)), true)
    }
  })

  it('Wycheproof subset', () => {
    const { publicKey, cases } = wycheproof.ed25519
    assert.ok(cases.some((entry) => entry.accepted) && cases.some((entry) => !entry.accepted))
    for (const { tcId, msg, sig, accepted } of cases) {
      assert.equal(ed25519Verify(hex(publicKey), hex(msg), hex(sig)), accepted, `tcId ${tcId}`)
    }
  })
})

describe('ChaCha20-Poly1305: RFC 8439 §2.8.2 and Wycheproof', () => {
  it('seals and opens', () => {
    for (const entry of wycheproof.chacha20Poly1305.cases) {
      const key = hex(entry.key)
      const nonce = hex(entry.iv)
      const sealed = aeadSeal(key, nonce, hex(entry.aad), hex(entry.msg))
      assert.equal(hexEncode(sealed), entry.ct + entry.tag, `tcId ${entry.tcId}`)
      assert.equal(hexOf(aeadOpen(key, nonce, hex(entry.aad), sealed)), entry.msg, `tcId ${entry.tcId}`)
    }
  })
})

describe('ML-KEM-768: FIPS 203', () => {
  it('a hundred accumulated vectors; encapsulation with chosen coins is the oracle’s', () => {
    const { rounds, digest } = readVectors('ml-kem-768-accumulated') as { rounds: number; digest: string }
    const stream = oracle.shake128()
    const output = oracle.shake128()
    for (let round = 0; round < rounds; round++) {
      const seed = stream.xof(64)
      const encapsulationKey = kemEncapsulationKey(seed)
      const { ciphertext, sharedSecret } = oracle.kemEncapsulate(encapsulationKey, stream.xof(32))
      assert.deepEqual(kemDecapsulate(seed, ciphertext), sharedSecret)
      const rejected = kemDecapsulate(seed, stream.xof(1088))
      assert.ok(rejected !== undefined)
      output.update(concatBytes(encapsulationKey, ciphertext, sharedSecret, rejected))
    }
    assert.equal(hexEncode(output.xof(32)), digest)
  })
})

describe('Argon2id', () => {
  it('the reference implementation’s test (256 KiB, 2 passes)', async () => {
    const key = await argon2id(
      utf8Encode('password'),
      utf8Encode('somesalt'),
      { memoryKiB: 256, passes: 2, parallelism: 1 },
      32,
    )
    assert.equal(hexEncode(key), '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe')
  })
})

describe('scrypt (RFC 7914 §12)', () => {
  const cases = [
    {
      password: '',
      salt: '',
      parameters: { cost: 16, blockSize: 1, parallelism: 1 },
      key: '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906',
    },
    {
      password: 'password',
      salt: 'NaCl',
      parameters: { cost: 1024, blockSize: 8, parallelism: 16 },
      key: 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    },
    {
      password: 'pleaseletmein',
      salt: 'SodiumChloride',
      parameters: { cost: 16_384, blockSize: 8, parallelism: 1 },
      key: '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    },
  ]
  for (const { password, salt, parameters, key } of cases) {
    it(`N ${parameters.cost}, r ${parameters.blockSize}, p ${parameters.parallelism}`, async () => {
      assert.equal(hexEncode(await scrypt(utf8Encode(password), utf8Encode(salt), parameters, 64)), key)
    })
  }
})
