import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  array,
  checkSchema,
  enumeration,
  integer,
  named,
  nullable,
  object,
  optional,
  string,
  toJsonSchema,
  variants,
} from '../../../src/rpc/schema/index.ts'

const PERSON = object({
  name: string({ minLength: 1, maxLength: 5 }),
  age: optional(integer({ minimum: 0, maximum: 150 })),
  tags: optional(array(enumeration(['a', 'b']), { maxItems: 2 })),
})

describe('schema check', () => {
  it('accepts what fits', () => {
    assert.equal(checkSchema(PERSON, { name: 'Alice', age: 3, tags: ['a', 'b'] }, 'params'), undefined)
    assert.equal(checkSchema(PERSON, { name: 'B' }, 'params'), undefined)
  })

  const problems: readonly (readonly [string, unknown, string, string])[] = [
    ['a missing member', {}, 'params.name', 'a text of 1 to 5 characters'],
    ['an empty text', { name: '' }, 'params.name', 'a text of 1 to 5 characters'],
    ['a text too long', { name: 'Alicia' }, 'params.name', 'a text of 1 to 5 characters'],
    ['a lone surrogate', { name: '\ud800' }, 'params.name', 'a text of 1 to 5 characters'],
    ['a number as text', { name: 5 }, 'params.name', 'a text of 1 to 5 characters'],
    ['a fraction', { name: 'A', age: 1.5 }, 'params.age', 'a whole number from 0 to 150'],
    ['a number out of range', { name: 'A', age: 151 }, 'params.age', 'a whole number from 0 to 150'],
    ['null for an absent member', { name: 'A', age: null }, 'params.age', 'a whole number from 0 to 150'],
    ['a bad list item', { name: 'A', tags: ['a', 'c'] }, 'params.tags[1]', 'one of a, b'],
    ['a list too long', { name: 'A', tags: ['a', 'a', 'a'] }, 'params.tags', 'a list of at most 2 items'],
    ['an unknown member', { name: 'A', extra: 1 }, 'params', 'without members other than name, age, tags'],
    [
      'an own __proto__',
      JSON.parse('{"name":"A","__proto__":{}}'),
      'params',
      'without members other than name, age, tags',
    ],
    ['a list', ['A'], 'params', 'an object'],
    ['null', null, 'params', 'an object'],
  ]
  for (const [what, value, path, expected] of problems) {
    it(`refuses ${what} with its path`, () => {
      assert.deepEqual(checkSchema(PERSON, value, 'params'), { path, expected })
    })
  }

  it('counts characters, not code units', () => {
    assert.equal(checkSchema(PERSON, { name: '🦇🦇🦇🦇🦇' }, 'params'), undefined)
    assert.notEqual(checkSchema(PERSON, { name: '🦇🦇🦇🦇🦇🦇' }, 'params'), undefined)
  })

  it('does not take inherited members for given ones', () => {
    const schema = object({ constructor: optional(integer()), toString: string() })
    assert.equal(checkSchema(schema, {}, 'params')?.path, 'params.toString')
  })

  it('tells variants apart by their discriminator', () => {
    const schema = variants('type', { one: { n: integer() }, two: { s: string() } })
    assert.equal(checkSchema(schema, { type: 'one', n: 1 }, 'v'), undefined)
    assert.equal(checkSchema(schema, { type: 'two', n: 1 }, 'v')?.path, 'v')
    assert.deepEqual(checkSchema(schema, { type: 'three' }, 'v'), { path: 'v.type', expected: 'one of one, two' })
    assert.deepEqual(checkSchema(schema, JSON.parse('{"__proto__":{"type":"one"}}'), 'v')?.path, 'v.type')
  })

  it('never repeats what was given', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), fc.json(), (word, json) => {
        const marked = `§${word}§`
        for (const value of [
          { [marked]: 1 },
          { name: marked + marked },
          { name: 'A', tags: [marked] },
          JSON.parse(json),
        ]) {
          const problem = checkSchema(PERSON, value, 'params')
          if (problem === undefined) continue
          assert.ok(!`${problem.path}${problem.expected}`.includes('§'))
        }
      }),
    )
  })
})

describe('JSON Schema', () => {
  it('prints what is checked, with named parts once', () => {
    const components = new Map()
    const inner = named('Inner', object({ a: nullable(integer({ minimum: 1, maximum: 2 })) }))
    const printed = toJsonSchema(object({ x: inner, y: optional(array(inner)) }), components)
    assert.deepEqual(printed, {
      type: 'object',
      properties: {
        x: { $ref: '#/components/schemas/Inner' },
        y: { type: 'array', items: { $ref: '#/components/schemas/Inner' } },
      },
      required: ['x'],
      additionalProperties: false,
    })
    assert.deepEqual(components.get('Inner'), {
      title: 'Inner',
      type: 'object',
      properties: { a: { anyOf: [{ type: 'integer', minimum: 1, maximum: 2 }, { type: 'null' }] } },
      required: ['a'],
      additionalProperties: false,
    })
  })
})
