import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../src/base/index.ts'
import type { OnionAddress } from '../../src/ports/index.ts'
import { createSocksReplyReader, dialSocks } from '../../src/tor/socks/index.ts'
import { GRANTED, scriptedSocks } from '../unit/tor/socks/scripted-socks.ts'
import { until } from '../unit/tor/support.ts'

/** Feeds the three messages as a proxy sends them; gives the data behind them, `partial`, or undefined when refused. */
function read(messages: readonly Uint8Array[], step: number): Uint8Array | 'partial' | undefined {
  const reader = createSocksReplyReader()
  let kinds = 0
  for (const message of messages) {
    for (let at = 0; at < message.length; at += step) {
      const result = reader.push(message.subarray(at, at + step))
      if (result === undefined) return undefined
      if (result === 'partial') continue
      kinds += 1
      if (result.kind !== 'reply') continue
      assert.equal(kinds, 3)
      assert.ok(result.bytes.length >= 7 && result.bytes.length <= 262)
      return Buffer.concat([result.data, message.subarray(at + step)])
    }
  }
  return 'partial'
}

const reply = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.constantFrom(1, 3, 4), fc.uint8Array({ maxLength: 255 }))
  .map(([code, type, name]) => {
    const address = type === 3 ? [name.length, ...name] : new Array<number>(type === 1 ? 4 : 16).fill(7)
    return Uint8Array.of(5, code, 0, type, ...address, 0, 80)
  })

/** The right message mostly, so that later ones are reached; else one with another value, else anything. */
const mostly = (right: Uint8Array, version: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(right) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((value) => Uint8Array.of(version, value)) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4 }) },
  )

describe('fuzz: SOCKS replies', () => {
  it('control: well-formed replies of every kind, with every bit of the data behind them', () => {
    fc.assert(
      fc.property(reply, fc.uint8Array({ maxLength: 50 }), fc.integer({ min: 1, max: 300 }), (bytes, data, step) => {
        const messages = [Uint8Array.of(5, 2), Uint8Array.of(1, 0), Buffer.concat([bytes, data])]
        assert.deepEqual(Buffer.from(read(messages, step) as Uint8Array), Buffer.from(data))
      }),
    )
  })

  it('truncated replies are incomplete, never accepted', () => {
    fc.assert(
      fc.property(reply, fc.nat(), (bytes, cut) => {
        const part = bytes.subarray(0, cut % bytes.length)
        assert.equal(read([Uint8Array.of(5, 2), Uint8Array.of(1, 0), part], 300), 'partial')
      }),
    )
  })

  it('arbitrary bytes are refused or incomplete or a reply, without a throw', () => {
    let refused = 0
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 400 }),
        (parts, step) => {
          if (read(parts, step) === undefined) refused += 1
        },
      ),
      { numRuns: 1_000 },
    )
    assert.ok(refused > 500)
  })

  it('whole dials against mutated proxies end, with a code, and leave no socket', { timeout: 60_000 }, async (t) => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          method: mostly(Uint8Array.of(5, 2), 5),
          authentication: mostly(Uint8Array.of(1, 0), 1),
          reply: fc.oneof(fc.constant(GRANTED), reply, fc.uint8Array({ minLength: 1, maxLength: 40 })),
          step: fc.integer({ min: 1, max: 50 }),
          optimistic: fc.boolean(),
        }),
        async ({ optimistic, ...script }) => {
          const server = await scriptedSocks(t, { ...script, onOpen: (socket) => socket.end() })
          let code = 'open'
          let unanswered = 0
          try {
            const stream = await dialSocks({ path: server.path }, 'c'.repeat(56) as OnionAddress, 80, {
              isolation: 'fuzz',
              optimistic,
              timeoutMs: 100,
              signal: new AbortController().signal,
              onUnanswered: () => (unanswered += 1),
            })
            stream.on('error', (error: unknown) => {
              code = isAppError(error) ? error.code : assert.fail(String(error))
            })
            const closed = new Promise((resolve) => stream.once('close', resolve))
            stream.resume()
            stream.end('x')
            await closed
          } catch (error: unknown) {
            if (!isAppError(error)) throw error
            code = error.code
          }
          assert.ok(code === 'open' || code.startsWith('TOR_'))
          assert.ok(unanswered <= (code === 'open' ? 0 : 1))
          seen.set(code, (seen.get(code) ?? 0) + 1)
          await until(() => server.openSockets() === 0)
        },
      ),
      { numRuns: 150 },
    )
    for (const code of ['open', 'TOR_SOCKS_MALFORMED', 'TOR_SOCKS_ISOLATION_REFUSED', 'TOR_SOCKS_REFUSED']) {
      assert.ok((seen.get(code) ?? 0) > 0, `${code} was reached: ${JSON.stringify([...seen])}`)
    }
  })
})
