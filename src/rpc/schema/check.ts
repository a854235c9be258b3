/**
 * Tells where a value departs from its schema.
 * Never repeats anything of the value: paths and expectations come from the schema alone, so they are safe to log.
 * @module
 */
import type { ObjectNode, Schema, SchemaNode, StringNode } from './schema.ts'

export interface SchemaProblem {
  /** For instance `params.recipient` or `params.items[3]`. */
  readonly path: string
  /** Completes the sentence "must be …". */
  readonly expected: string
}

/** The first problem in document order, or undefined when the value fits. Strict: unknown members are problems. */
export function checkSchema(schema: Schema<unknown>, value: unknown, path: string): SchemaProblem | undefined {
  return checkNode(schema.node, value, path)
}

/** Narrows by checking; for places where the problem itself does not matter. */
export function fitsSchema<T>(schema: Schema<T>, value: unknown): value is T {
  return checkSchema(schema, value, '') === undefined
}

function checkNode(node: SchemaNode, value: unknown, path: string): SchemaProblem | undefined {
  switch (node.kind) {
    case 'array': {
      if (!Array.isArray(value) || (node.maxItems !== undefined && value.length > node.maxItems)) {
        return { path, expected: expectation(node) }
      }
      for (const [index, item] of value.entries()) {
        const problem = checkNode(node.items.node, item, `${path}[${index}]`)
        if (problem !== undefined) return problem
      }
      return undefined
    }
    case 'object':
      return checkObject(node, value, path)
    case 'nullable':
      return value === null ? undefined : checkNode(node.inner.node, value, path)
    case 'variants': {
      if (!isObject(value)) return { path, expected: expectation(node) }
      const name = Object.hasOwn(value, node.discriminator) ? value[node.discriminator] : undefined
      const chosen = typeof name === 'string' ? node.cases.get(name) : undefined
      if (chosen === undefined) {
        return { path: `${path}.${node.discriminator}`, expected: `one of ${[...node.cases.keys()].join(', ')}` }
      }
      return checkObject(chosen, value, path)
    }
    default:
      return isLeaf(node, value) ? undefined : { path, expected: expectation(node) }
  }
}

function checkObject(node: ObjectNode, value: unknown, path: string): SchemaProblem | undefined {
  if (!isObject(value)) return { path, expected: 'an object' }
  for (const key of Object.keys(value)) {
    if (!node.required.has(key) && !node.optional.has(key)) {
      const known = [...node.required.keys(), ...node.optional.keys()]
      const expected = known.length === 0 ? 'without members' : `without members other than ${known.join(', ')}`
      return { path, expected }
    }
  }
  for (const [name, member] of node.required) {
    const inner = Object.hasOwn(value, name) ? value[name] : undefined
    const problem = checkNode(member.node, inner, `${path}.${name}`)
    if (problem !== undefined) return problem
  }
  for (const [name, member] of node.optional) {
    if (!Object.hasOwn(value, name) || value[name] === undefined) continue
    const problem = checkNode(member.node, value[name], `${path}.${name}`)
    if (problem !== undefined) return problem
  }
  return undefined
}

type LeafNode = Exclude<SchemaNode, { kind: 'array' | 'object' | 'nullable' | 'variants' }>

function isLeaf(node: LeafNode, value: unknown): boolean {
  switch (node.kind) {
    case 'string':
      return typeof value === 'string' && isText(node, value)
    case 'integer':
      return Number.isSafeInteger(value) && Number(value) >= node.minimum && Number(value) <= node.maximum
    case 'boolean':
      return typeof value === 'boolean'
    case 'null':
      return value === null
    case 'enumeration':
      return typeof value === 'string' && node.values.includes(value)
    case 'any-object':
      return isObject(value)
  }
}

function isText(node: StringNode, value: string): boolean {
  // A lone surrogate has no UTF-8 form, so it could be neither stored nor sent as it came.
  if (!value.isWellFormed()) return false
  if (node.minLength > 0 || node.maxLength !== undefined) {
    const length = countCharacters(value)
    if (length < node.minLength || length > (node.maxLength ?? Number.POSITIVE_INFINITY)) return false
  }
  return node.pattern === undefined || new RegExp(node.pattern, 'u').test(value)
}

function countCharacters(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value of this node is, in words that complete "must be …". */
export function expectation(node: SchemaNode): string {
  switch (node.kind) {
    case 'string':
      return stringExpectation(node)
    case 'integer':
      return integerExpectation(node.minimum, node.maximum)
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'enumeration':
      return node.values.length === 1 ? `\`${node.values.join('')}\`` : `one of ${node.values.join(', ')}`
    case 'array':
      return node.maxItems === undefined ? 'a list' : `a list of at most ${node.maxItems} items`
    case 'nullable':
      return `${expectation(node.inner.node)} or null`
    case 'object':
    case 'variants':
    case 'any-object':
      return 'an object'
  }
}

function stringExpectation(node: StringNode): string {
  if (node.form !== undefined) return node.form
  if (node.maxLength !== undefined) return `a text of ${node.minLength} to ${node.maxLength} characters`
  return node.minLength > 0 ? `a text of at least ${node.minLength} characters` : 'a text'
}

function integerExpectation(minimum: number, maximum: number): string {
  const low = minimum !== Number.MIN_SAFE_INTEGER
  const high = maximum !== Number.MAX_SAFE_INTEGER
  if (low && high) return `a whole number from ${minimum} to ${maximum}`
  if (low) return `a whole number of at least ${minimum}`
  return high ? `a whole number of at most ${maximum}` : 'a whole number'
}
