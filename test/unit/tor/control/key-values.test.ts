import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseKeyValues } from '../../../../src/tor/control/index.ts'

describe('key-values', () => {
  it('reads words, pairs and quoted strings with escapes', () => {
    const parsed = parseKeyValues(
      'AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/var/\\303\\244 \\"x\\"\\\\y" EMPTY= "one word" net/x="unix:/s"',
    )
    assert.deepEqual(parsed?.words, ['AUTH', 'one word'])
    assert.deepEqual(
      [...(parsed?.pairs ?? [])],
      [
        ['METHODS', 'COOKIE,SAFECOOKIE'],
        ['COOKIEFILE', '/var/\xc3\xa4 "x"\\y'],
        ['EMPTY', ''],
        ['net/x', 'unix:/s'],
      ],
    )
  })

  it('lets the first of two equal keys win, and takes empty text', () => {
    assert.equal(parseKeyValues('A=1 A=2')?.pairs.get('A'), '1')
    assert.deepEqual(parseKeyValues('  ')?.words, [])
  })

  it('gives undefined for open quotes and text behind a quote', () => {
    for (const text of ['A="', 'A="x', 'A="x\\"', 'A="x"y', '"']) assert.equal(parseKeyValues(text), undefined, text)
  })
})
