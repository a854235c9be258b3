import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { findByName } from '../../../src/cli/names.ts'
import { displayWidth, neutralise, neutraliseLines, safeJson, safetyNumberLines, table } from '../../../src/cli/text.ts'
import { formatDuration, formatRelative, parseDuration } from '../../../src/cli/time.ts'

// Built from text, because the linter takes control characters in a pattern for a slip.
const DANGEROUS = new RegExp(
  String.raw`[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]`,
  'u',
)

describe('neutralise', () => {
  it('lets nothing through that acts on a terminal, and leaves the rest alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const shown = neutralise(text)
        assert.doesNotMatch(shown, DANGEROUS)
        if (!DANGEROUS.test(text) && !/\p{Cf}|\p{Cs}|\p{Default_Ignorable_Code_Point}/u.test(text))
          assert.equal(shown, text)
      }),
    )
    for (let code = 0; code < 0xa0; code += 1) {
      assert.doesNotMatch(neutralise(String.fromCharCode(code)), DANGEROUS)
    }
  })

  it('shows what it replaced', () => {
    assert.equal(neutralise('a\u001b[2Jb\u009bc\u202ed\ud800'), 'a\\u{1b}[2Jb\\u{9b}c\\u{202e}d\\u{d800}')
  })

  it('shows what takes no room or only looks like room', () => {
    for (const code of [0x34f, 0x115f, 0x1160, 0x17b4, 0x180b, 0x3164, 0xffa0, 0xe0100, 0xe01ef]) {
      assert.equal(neutralise(String.fromCodePoint(code)), `\\u{${code.toString(16)}}`)
    }
  })

  it('leaves emoji and scripts whole', () => {
    for (const text of ['👩‍👩‍👧', 'می‌خواهم', 'naïve', '日本語', '🏳️‍🌈']) assert.equal(neutralise(text), text)
  })

  it('indents every line of foreign text', () => {
    assert.equal(neutraliseLines('a\nb\r\nc\rd', '    '), 'a\n    b\n    c\\u{d}d')
  })
})

describe('safeJson', () => {
  it('keeps the value and is safe to print', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const printed = safeJson({ text })
        assert.doesNotMatch(printed, DANGEROUS)
        assert.deepEqual(JSON.parse(printed), { text })
      }),
    )
    assert.equal(safeJson('\u{e0041}'), '"\\udb40\\udc41"')
  })
})

describe('layout', () => {
  it('aligns columns by what a terminal shows', () => {
    assert.equal(
      table(
        ['A', 'B'],
        [
          ['日本', 'x'],
          ['é', 'y'],
        ],
      ),
      'A     B\n日本  x\né     y\n',
    )
    assert.equal(displayWidth('e\u0301🦇a'), 4)
  })

  it('groups the safety number by fives in lines of four', () => {
    const digits = '012345678901234567890123456789012345678901234567890123456789'
    const expected = ' 01234 56789 01234 56789\n 01234 56789 01234 56789\n 01234 56789 01234 56789'
    assert.equal(safetyNumberLines(digits, ' '), expected)
    assert.equal(safetyNumberLines(digits.match(/.{5}/g)?.join(' ') ?? '', ' '), expected)
  })
})

describe('times', () => {
  it('are said in the largest unit that fits', () => {
    const SAID: readonly (readonly [number, string])[] = [
      [0, '0 s'],
      [59_400, '59 s'],
      [59_600, '1 min'],
      [3_600_000, '1 h'],
      [86_400_000 * 14, '14 d'],
    ]
    for (const [durationMs, said] of SAID) assert.equal(formatDuration(durationMs), said)
    assert.equal(formatRelative(1_000_000, 1_000_500), 'just now')
    assert.equal(formatRelative(0, 300_000), '5 min ago')
    assert.equal(formatRelative(7_200_000, 0), 'in 2 h')
  })

  it('are typed with a unit', () => {
    assert.deepEqual(['45s', '30m', '12h', '7d'].map(parseDuration), [45_000, 1_800_000, 43_200_000, 604_800_000])
    for (const text of ['', '7', 'd', '-1d', '1.5h', '7D', ' 7d', '7d ', '9999999999d'])
      assert.equal(parseDuration(text), undefined)
  })
})

describe('names', () => {
  const things = [
    { id: 'abc1', name: 'abc2' },
    { id: 'abc2', name: 'Bob' },
    { id: 'abd3', name: 'Carol' },
    { id: 'abe4', name: 'Carol' },
    { id: 'f005', name: 'ab' },
  ]
  const find = (typed: string): string => {
    const result = findByName(things, typed)
    return result.found?.id ?? (result.found === undefined && result.ambiguous ? 'ambiguous' : 'unknown')
  }

  it('are found by whole id, then name, then beginning of an id, and never guessed', () => {
    assert.deepEqual(['abc2', 'Bob', 'abd', 'ab', 'abc', 'Carol', 'bob', '', 'f', 'zz'].map(find), [
      'abc2',
      'abc2',
      'abd3',
      'f005',
      'ambiguous',
      'ambiguous',
      'unknown',
      'unknown',
      'f005',
      'unknown',
    ])
  })
})
