/**
 * Turns one line into the one line that answers it.
 * Never calls a handler with parameters that its schema does not admit. Spec 08-rpc §2.
 * @module
 */
import { isAppError, utf8Decode } from '../base/index.ts'
import type { Logger } from '../ports/index.ts'
import type { RpcErrorObject } from './error-map.ts'
import { JSON_RPC_INTERNAL_ERROR, toParamsError, toRpcError } from './error-map.ts'
import { rpcError } from './errors.ts'
import type { MethodContext } from './method.ts'
import type { RpcLimits } from './options.ts'
import { findMethod } from './registry.ts'
import type { RequestId, RpcRequest } from './request.ts'
import { parseRequest } from './request.ts'
import { checkSchema } from './schema/index.ts'

export interface Dispatcher {
  /** The reply without its line feed; undefined when there is nothing to say. Never rejects. */
  answer(line: Uint8Array): Promise<string | undefined>
}

export interface DispatcherDeps {
  readonly context: MethodContext
  readonly logger: Logger
  readonly limits: RpcLimits
}

export function createDispatcher({ context, logger, limits }: DispatcherDeps): Dispatcher {
  async function call(request: RpcRequest): Promise<string | undefined> {
    const outcome = await run(request)
    if (request.id === undefined) return undefined
    return 'error' in outcome ? errorReply(request.id, outcome.error) : resultReply(request.id, outcome.result)
  }

  async function run(request: RpcRequest): Promise<{ result: unknown } | { error: RpcErrorObject }> {
    const method = findMethod(request.method)
    if (method === undefined) return { error: toRpcError(rpcError('RPC_METHOD_UNKNOWN')) }
    const problem = checkSchema(method.params, request.params, 'params')
    if (problem !== undefined) return { error: toParamsError(problem) }
    try {
      return { result: await method.handler(context, request.params) }
    } catch (error: unknown) {
      const mapped = toRpcError(error)
      if (mapped.code === JSON_RPC_INTERNAL_ERROR) logger.error('method-failed', {}, error)
      else if (isAppError(error, 'STATE_CORRUPT')) logger.warn('method-failed', {}, error)
      return { error: mapped }
    }
  }

  function answerOne(value: unknown): Promise<string | undefined> {
    const parsed = parseRequest(value)
    if (parsed.ok) return call(parsed.request)
    return Promise.resolve(errorReply(parsed.id, toRpcError(rpcError('RPC_INVALID_REQUEST'))))
  }

  /** One after the other: a batch never takes more of the daemon than one call. */
  async function answerBatch(values: readonly unknown[]): Promise<string | undefined> {
    if (values.length === 0) return errorReply(null, toRpcError(rpcError('RPC_INVALID_REQUEST')))
    if (values.length > limits.batchCount) {
      const details = { count: values.length, maxCount: limits.batchCount }
      return errorReply(null, toRpcError(rpcError('RPC_BATCH_TOO_LONG', { details })))
    }
    const replies: string[] = []
    let length = 0
    for (const value of values) {
      const reply = length > limits.batchReplyBytes ? refuse(value) : await answerOne(value)
      if (reply === undefined) continue
      replies.push(reply)
      length += reply.length
    }
    return replies.length === 0 ? undefined : `[${replies.join(',')}]`
  }

  function refuse(value: unknown): string | undefined {
    const parsed = parseRequest(value)
    const id = parsed.ok ? parsed.request.id : parsed.id
    return id === undefined ? undefined : errorReply(id, toRpcError(rpcError('RPC_BATCH_REPLY_TOO_LONG')))
  }

  return {
    answer(line) {
      const parsed = parseJson(line)
      if (parsed === undefined) {
        return Promise.resolve(errorReply(null, toRpcError(rpcError('RPC_PARSE_ERROR'))))
      }
      return Array.isArray(parsed.value) ? answerBatch(parsed.value) : answerOne(parsed.value)
    },
  }
}

/** Foreign bytes: undefined for whatever is not JSON in well-formed UTF-8. */
export function parseJson(line: Uint8Array): { readonly value: unknown } | undefined {
  const text = utf8Decode(line)
  if (text === undefined) return undefined
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

export function errorReply(id: RequestId, error: RpcErrorObject): string {
  return JSON.stringify({ jsonrpc: '2.0', error, id })
}

function resultReply(id: RequestId, result: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', result, id })
}
