import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  AppError,
  createErrorFactory,
  type ErrorTable,
  InternalError,
  isAbortError,
  isAppError,
} from '../../../src/base/index.ts'

const SAMPLE_ERRORS = {
  SAMPLE_FULL: { kind: 'environment', why: 'There is no room left.', remedy: 'Make room.' },
  SAMPLE_LATE: { kind: 'retry', why: 'It took too long.', remedy: 'Try again.' },
} as const satisfies ErrorTable

const sampleError = createErrorFactory(SAMPLE_ERRORS)

describe('createErrorFactory', () => {
  it('makes errors that carry what their table says', () => {
    const error = sampleError('SAMPLE_FULL', { details: { roomBytes: 12, last: true } })
    assert.ok(error instanceof AppError)
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'AppError')
    assert.equal(error.code, 'SAMPLE_FULL')
    assert.equal(error.kind, 'environment')
    assert.equal(error.message, 'There is no room left.')
    assert.equal(error.remedy, 'Make room.')
    assert.deepEqual(error.details, { roomBytes: 12, last: true })
  })

  it('has empty details and no cause unless told', () => {
    const error = sampleError('SAMPLE_LATE')
    assert.deepEqual(error.details, {})
    assert.equal('cause' in error, false)
  })

  it('keeps the foreign error as cause and out of the message', () => {
    const foreign = new Error('connect /run/alice/secret.sock')
    const error = sampleError('SAMPLE_LATE', { cause: foreign })
    assert.equal(error.cause, foreign)
    assert.equal(error.message.includes('secret'), false)
  })

  it('takes a code without an entry for a bug', () => {
    assert.throws(() => (sampleError as (code: string) => AppError)('SAMPLE_OTHER'), InternalError)
  })
})

describe('isAppError', () => {
  it('knows ours, and one code from another', () => {
    const error: unknown = sampleError('SAMPLE_FULL')
    assert.equal(isAppError(error), true)
    assert.equal(isAppError(error, 'SAMPLE_FULL'), true)
    assert.equal(isAppError(error, 'SAMPLE_LATE'), false)
  })

  it('does not take look-alikes', () => {
    for (const other of [new Error('x'), { code: 'SAMPLE_FULL' }, 'SAMPLE_FULL', undefined, null]) {
      assert.equal(isAppError(other), false)
      assert.equal(isAppError(other, 'SAMPLE_FULL'), false)
    }
  })
})

describe('isAbortError', () => {
  it('knows what an aborted signal throws', () => {
    assert.equal(isAbortError(AbortSignal.abort().reason), true)
  })

  it('tells it from a timeout, from our errors and from other values', () => {
    const others = [new DOMException('late', 'TimeoutError'), sampleError('SAMPLE_LATE'), new Error('AbortError')]
    for (const other of [...others, { name: 'AbortError' }, undefined]) assert.equal(isAbortError(other), false)
  })
})

describe('InternalError', () => {
  it('is named apart from an operation that failed', () => {
    const error = new InternalError('impossible state')
    assert.equal(error.name, 'InternalError')
    assert.equal(isAppError(error), false)
    assert.match(inspect(error), /InternalError: impossible state/)
  })
})
