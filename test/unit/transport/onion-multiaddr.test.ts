/** The one kind of address. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { createEd25519Seed, ed25519PublicKey } from '../../../src/crypto/index.ts'
import { onionMultiaddr, onionOnly, parseOnionMultiaddr } from '../../../src/transport/index.ts'
import { transportPeerId } from '../../../src/transport/peer-identity.ts'
import { onionAddress } from '../../../src/wire/index.ts'

const address = onionAddress(ed25519PublicKey(createEd25519Seed()))
const peerId = await transportPeerId(createEd25519Seed())
const id = peerId.toString()

/** What libp2p's own parser says to a text, so that a refusal of ours is not its refusal. */
function tryMultiaddr(text: string): ReturnType<typeof multiaddr> | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}

describe('onion multiaddr', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), fc.boolean(), (port, named) => {
        const target = parseOnionMultiaddr(onionMultiaddr({ address, port }, named ? peerId : undefined))
        assert.equal(target?.address, address)
        assert.equal(target.port, port)
        assert.equal(target.peerId?.toString(), named ? peerId.toString() : undefined)
      }),
    )
  })

  it('refuses everything else, also what libp2p accepts', () => {
    const swapped = `${address[0] === 'a' ? 'b' : 'a'}${address.slice(1)}`
    const onion = `/onion3/${address}:80`
    const refused = [
      `/onion3/${swapped}:80`,
      `/onion3/${address.toUpperCase()}:80`,
      `/onion3/${address.slice(1)}:80`,
      `/onion3/${address}`,
      `/onion3/${address}:0`,
      `/onion3/${address}:080`,
      `/onion3/${address}:65536`,
      `/onion3/${address}:70000`,
      `/onion3/${address}:-1`,
      `/onion3/${address}:80:80`,
      `/onion/${address.slice(0, 16)}:80`,
      `${onion}/tcp/80`,
      `${onion}/ws`,
      `${onion}/onion3/${address}:80`,
      `${onion}/p2p/${id}/p2p-circuit`,
      `${onion}/p2p/${id}/p2p/${id}`,
      `/p2p/${id}${onion}`,
      `/p2p/${id}`,
      '/ip4/127.0.0.1/tcp/80',
      `/ip4/127.0.0.1/tcp/80/p2p/${id}`,
      `/dnsaddr/example.invalid${onion}`,
      '/dns4/example.invalid/tcp/80',
      '/memory/onion',
      '/unix/tmp%2fsocket',
      '/',
    ]
    const seen = refused.map(tryMultiaddr).filter((parsed) => parsed !== undefined)
    for (const parsed of seen) assert.equal(parseOnionMultiaddr(parsed), undefined, parsed.toString())
    assert.deepEqual(onionOnly(seen), [])
    // Some of them must be libp2p's mistakes, else this test shows nothing.
    assert.ok(seen.length >= 12, String(seen.length))
    assert.equal(onionOnly([...seen, multiaddr(onion)]).length, 1)
  })

  it('never throws and never accepts a second spelling, whatever the text', () => {
    const parts = fc.constantFrom(
      'onion3',
      'p2p',
      'tcp',
      'ip4',
      address,
      `${address}:80`,
      `${address}:080`,
      '80',
      '',
      peerId.toString(),
    )
    let accepted = 0
    const check = (words: readonly string[]): void => {
      const parsed = tryMultiaddr(`/${words.join('/')}`)
      const target = parsed === undefined ? undefined : parseOnionMultiaddr(parsed)
      if (target === undefined) return
      accepted += 1
      // libp2p drops empty words before anybody sees them; what comes from others comes in bytes, which cannot say them.
      const text = `/${words.filter((word) => word !== '').join('/')}`
      const only = onionMultiaddr(target, target.peerId)
      assert.equal(only.toString(), text)
      assert.deepEqual(parsed?.bytes, only.bytes)
    }
    const examples = [
      ['onion3', `${address}:80`],
      ['onion3', `${address}:80`, 'p2p', peerId.toString()],
      ['onion3', '', `${address}:80`],
      ['', 'onion3', `${address}:80`, ''],
    ].map((words): [string[]] => [words])
    fc.assert(fc.property(fc.array(parts, { maxLength: 6 }), check), { examples, numRuns: 1_000 })
    assert.ok(accepted >= examples.length, `${accepted} accepted`)
  })
})
