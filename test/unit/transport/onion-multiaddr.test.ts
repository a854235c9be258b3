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

/** What libp2p's own parser says to a text or to bytes, so that a refusal of ours is not its refusal. */
function tryMultiaddr(text: string | Uint8Array): ReturnType<typeof multiaddr> | undefined {
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
      assert.equal(onionMultiaddr(target, target.peerId).toString(), text)
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

  it('never throws and never accepts a second spelling, whatever the bytes', () => {
    const { bytes } = onionMultiaddr({ address, port: 80 }, peerId)
    const atPeer = onionMultiaddr({ address, port: 80 }).bytes.length
    const edit = fc.record({
      at: fc.nat({ max: bytes.length - 1 }),
      deleted: fc.nat({ max: 1 }),
      inserted: fc.uint8Array({ maxLength: 2 }),
    })
    let accepted = 0
    const check = (edits: readonly { at: number; deleted: number; inserted: Uint8Array }[]): void => {
      const edited = [...bytes]
      for (const { at, deleted, inserted } of edits) edited.splice(at, deleted, ...inserted)
      const parsed = tryMultiaddr(Uint8Array.from(edited))
      const target = parsed === undefined ? undefined : parseOnionMultiaddr(parsed)
      if (target === undefined) return
      accepted += 1
      assert.deepEqual([...onionMultiaddr(target, target.peerId).bytes], edited)
    }
    // libp2p accepts the first: a length of 4,864 in 38 bytes. Then numbers longer than they need to be: the codes, the length.
    const beyond = [{ at: atPeer + 2, deleted: 0, inserted: Uint8Array.of(0x80) }]
    const longer = [1, atPeer + 1, atPeer + 2].map((at) => {
      const last = bytes[at] ?? assert.fail('no such byte')
      return [{ at, deleted: 1, inserted: Uint8Array.of(last | 0x80, 0) }]
    })
    const examples = [[], beyond, ...longer].map((edits): [typeof edits] => [edits])
    fc.assert(fc.property(fc.array(edit, { maxLength: 3 }), check), { examples, numRuns: 1_000 })
    assert.ok(accepted > 0, 'nothing was accepted')
  })
})
