import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { format, inspect } from 'node:util'
import { Sensitive } from '../../../src/base/index.ts'

const SECRET = 'correct horse battery staple'

describe('Sensitive', () => {
  const secret = new Sensitive(SECRET)

  it('gives the value to who asks by name', () => {
    assert.equal(secret.reveal(), SECRET)
    const bytes = Uint8Array.of(1, 2, 3)
    assert.equal(new Sensitive(bytes).reveal(), bytes)
  })

  const prints: readonly (readonly [way: string, print: () => string])[] = [
    ['String()', () => String(secret)],
    ['a template', () => `words: ${secret as unknown as string}`],
    ['concatenation', () => 'words: '.concat(secret as unknown as string)],
    ['join', () => [secret, secret].join(' ')],
    ['toString', () => secret.toString()],
    ['JSON', () => JSON.stringify(secret)],
    ['JSON inside a value', () => JSON.stringify({ deep: [{ secret }] })],
    ['inspect', () => inspect(secret)],
    ['inspect with everything shown', () => inspect(secret, { showHidden: true, getters: true, depth: 10 })],
    ['inspect without custom printing', () => inspect(secret, { customInspect: false, showHidden: true })],
    ['inspect inside a value', () => inspect({ deep: [{ secret }] }, { depth: 10 })],
    ['inspect inside a map', () => inspect(new Map([['key', secret]]), { depth: 10 })],
    ['format', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error with it as cause', () => inspect(new Error('x', { cause: secret }))],
    ['its own keys', () => Object.entries(secret).join()],
    ['a copy', () => JSON.stringify({ ...secret })],
    ['a structured clone', () => inspect(structuredClone(secret))],
    ['an assertion message', () => messageOf(() => assert.deepEqual(secret, new Sensitive('other words')))],
  ]

  for (const [way, print] of prints) {
    it(`stays hidden in ${way}`, () => {
      const text = print()
      assert.equal(text.includes('horse'), false, text)
    })
  }

  it('says that something was there', () => {
    assert.equal(String(secret), '[redacted]')
    assert.equal(JSON.stringify(secret), '"[redacted]"')
    assert.equal(inspect(secret), '[redacted]')
  })

  it('would be noticed if it printed: a plain value does', () => {
    assert.ok(inspect({ secret: SECRET }).includes('horse'))
    assert.ok(JSON.stringify({ secret: SECRET }).includes('horse'))
  })
})

function messageOf(run: () => void): string {
  try {
    run()
    return ''
  } catch (error: unknown) {
    return inspect(error)
  }
}
