/**
 * Reads the frozen vectors of `test/vectors`.
 * Never accepts a file whose header does not say where it comes from.
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { hexDecode } from '../../src/base/index.ts'

/** The parsed file; the caller asserts the shape that the file's own header describes. */
export function readVectors(name: string): unknown {
  const parsed: unknown = JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'))
  assert.ok(typeof parsed === 'object' && parsed !== null && 'header' in parsed, `${name} has no header`)
  return parsed
}

/** Bytes of a hexadecimal field. */
export function hex(text: string): Uint8Array {
  const bytes = hexDecode(text)
  assert.ok(bytes !== undefined, 'not hexadecimal')
  return bytes
}
