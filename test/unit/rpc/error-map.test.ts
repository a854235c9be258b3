import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { AppError } from '../../../src/base/index.ts'
import { MESSENGER_ERRORS, messengerError } from '../../../src/messenger/index.ts'
import { ERROR_NUMBERS, fromRpcError, toParamsError, toRpcError } from '../../../src/rpc/error-map.ts'
import { RPC_ERRORS, rpcError } from '../../../src/rpc/errors.ts'

describe('error map', () => {
  it('gives every documented code a number in the range of servers or of JSON-RPC itself', () => {
    const entries = Object.entries({ ...RPC_ERRORS, ...MESSENGER_ERRORS })
    assert.ok(entries.length > 40)
    for (const [code, entry] of entries) {
      const { code: number, data } = toRpcError(new AppError(code, entry))
      if (entry.kind === 'bug') {
        assert.equal(number, -32603)
        continue
      }
      assert.ok((number >= -32099 && number <= -32000) || (number >= -32700 && number <= -32600), code)
      assert.deepEqual(data, { code, kind: entry.kind, retryable: entry.kind === 'retry', remedy: entry.remedy })
    }
  })

  it('has a number of its own for each kind', () => {
    const numbers = Object.values(ERROR_NUMBERS)
    assert.equal(new Set(numbers).size, numbers.length)
  })

  it('says nothing about what was not foreseen', () => {
    const secret = 'zz-secret-zz'
    const foreign = [new TypeError(secret), secret, { message: secret }, undefined, new Error('x', { cause: secret })]
    for (const error of foreign) {
      assert.deepEqual(toRpcError(error), { code: -32603, message: 'Internal error' })
    }
    const wrapped = toRpcError(messengerError('STATE_CORRUPT', { cause: new Error(secret) }))
    assert.ok(!inspect(wrapped, { depth: 9 }).includes(secret))
    assert.equal(wrapped.data?.code, 'STATE_CORRUPT')
  })

  it('calls an aborted operation what it is', () => {
    assert.equal(toRpcError(new DOMException('x', 'AbortError')).data?.code, 'RPC_STOPPING')
  })

  it('comes back as the same error', () => {
    const error = fromRpcError(toRpcError(rpcError('RPC_LINE_TOO_LONG', { details: { maxBytes: 9 } })))
    assert.equal(error.code, 'RPC_LINE_TOO_LONG')
    assert.equal(error.kind, 'user')
    assert.deepEqual(error.details, { maxBytes: 9, number: -32600 })
    const internal = fromRpcError({ code: -32603, message: 'Internal error' })
    assert.equal(internal.code, 'RPC_INTERNAL')
    assert.equal(internal.kind, 'bug')
  })

  it('tells where parameters go wrong', () => {
    const error = toParamsError({ path: 'params.limit', expected: 'a whole number' })
    assert.equal(error.code, -32602)
    assert.equal(error.message, 'Invalid params: params.limit must be a whole number')
    assert.equal(error.data?.path, 'params.limit')
  })
})
