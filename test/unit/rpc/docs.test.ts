import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { makeRpcDocs } from '../../../scripts/make-rpc-docs.ts'
import { createOpenRpcDocument, METHODS } from '../../../src/rpc/index.ts'
import { at, startRpc } from '../../support/rpc-fixture.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Every `$ref` in a document. */
function references(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    key === '$ref' && typeof member === 'string' ? [member] : references(member),
  )
}

describe('RPC documents', () => {
  it('are committed as the registry has them; run scripts/make-rpc-docs.ts', () => {
    const made = makeRpcDocs()
    assert.deepEqual([...made.keys()], ['docs/rpc.md', 'docs/openrpc.json'])
    for (const [path, text] of made) {
      assert.ok(readFileSync(join(ROOT, path), 'utf8') === text, `${path} is out of date: run scripts/make-rpc-docs.ts`)
    }
  })

  it('are what rpc.discover gives', async (context) => {
    const { result } = await (await (await startRpc(context)).connect()).ask('rpc.discover')
    assert.deepEqual(result, JSON.parse(JSON.stringify(createOpenRpcDocument('1.2.3'))))
  })

  it('have every method, label, named type and error number', () => {
    const document: unknown = JSON.parse(JSON.stringify(createOpenRpcDocument('0')))
    const described = at(document, 'methods')
    assert.ok(Array.isArray(described))
    assert.deepEqual(
      described.map((method: unknown) => at(method, 'name')),
      METHODS.map(({ name }) => name),
    )
    for (const method of described as readonly unknown[]) {
      assert.ok(['none', 'slot', 'live'].includes(String(at(method, 'x-network'))))
      const errors = at(method, 'errors')
      assert.ok(Array.isArray(errors) && errors.every((error: unknown) => Number.isInteger(at(error, 'code'))))
    }
    const found = references(document)
    assert.ok(found.length > 20)
    for (const reference of found) {
      const path = reference.slice(2).split('/')
      assert.notEqual(at(document, ...path), undefined, reference)
    }
  })
})
