/**
 * The one place where errors become JSON-RPC error objects and come back from them.
 * Never lets the text of an unforeseen error out: it may hold anything. HOUSE §4.4, spec 08-rpc §5.
 * @module
 */
import type { ErrorDetails, ErrorKind } from '../base/index.ts'
import { AppError, isAbortError, isAppError } from '../base/index.ts'
import { rpcError } from './errors.ts'
import type { SchemaProblem } from './schema/index.ts'

const JSON_RPC_PARSE_ERROR = -32700
const JSON_RPC_INVALID_REQUEST = -32600
const JSON_RPC_METHOD_NOT_FOUND = -32601
const JSON_RPC_INVALID_PARAMS = -32602
export const JSON_RPC_INTERNAL_ERROR = -32603

/** Failures of an operation: one number a kind, inside the range that JSON-RPC leaves to servers. */
export const ERROR_NUMBERS: Readonly<Record<Exclude<ErrorKind, 'bug'>, number>> = {
  user: -32001,
  retry: -32002,
  peer: -32003,
  environment: -32004,
  stopping: -32005,
}

/** Codes that JSON-RPC itself numbers. */
const STANDARD_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['RPC_PARSE_ERROR', JSON_RPC_PARSE_ERROR],
  ['RPC_LINE_TOO_LONG', JSON_RPC_INVALID_REQUEST],
  ['RPC_INVALID_REQUEST', JSON_RPC_INVALID_REQUEST],
  ['RPC_BATCH_TOO_LONG', JSON_RPC_INVALID_REQUEST],
  ['RPC_METHOD_UNKNOWN', JSON_RPC_METHOD_NOT_FOUND],
  ['RPC_PARAMS_INVALID', JSON_RPC_INVALID_PARAMS],
])

export interface RpcErrorData {
  readonly code: string
  readonly kind: ErrorKind
  /** True when the same call may succeed later without anything being changed. */
  readonly retryable: boolean
  readonly remedy: string
  readonly details?: ErrorDetails
  /** With `RPC_PARAMS_INVALID`: where the problem is. */
  readonly path?: string
}

export interface RpcErrorObject {
  readonly code: number
  readonly message: string
  readonly data?: RpcErrorData
}

/** The error object for whatever an operation threw; anything unforeseen becomes −32603 and says nothing else. */
export function toRpcError(error: unknown): RpcErrorObject {
  if (isAbortError(error)) return toRpcError(rpcError('RPC_STOPPING'))
  if (!isAppError(error) || error.kind === 'bug') {
    return { code: JSON_RPC_INTERNAL_ERROR, message: 'Internal error' }
  }
  return {
    code: STANDARD_NUMBERS.get(error.code) ?? ERROR_NUMBERS[error.kind],
    message: error.message,
    data: {
      code: error.code,
      kind: error.kind,
      retryable: error.kind === 'retry',
      remedy: error.remedy,
      ...(Object.keys(error.details).length > 0 ? { details: error.details } : {}),
    },
  }
}

/** The error object for parameters that do not fit; path and expectation come from the schema, never from the value. */
export function toParamsError(problem: SchemaProblem): RpcErrorObject {
  const { code, data } = toRpcError(rpcError('RPC_PARAMS_INVALID'))
  const message = `Invalid params: ${problem.path} must be ${problem.expected}`
  return { code, message, ...(data === undefined ? {} : { data: { ...data, path: problem.path } }) }
}

const KINDS: readonly ErrorKind[] = ['user', 'retry', 'peer', 'environment', 'bug', 'stopping']

/** The way back, for clients: an `AppError` with the code, kind and remedy that the daemon named. */
export function fromRpcError(error: RpcErrorObject): AppError {
  const kind = KINDS.find((candidate) => candidate === error.data?.kind) ?? 'bug'
  const { code = 'RPC_INTERNAL', remedy = rpcError('RPC_INTERNAL').remedy } = error.data ?? {}
  return new AppError(
    code,
    { kind, why: error.message, remedy },
    { details: { ...error.data?.details, number: error.code } },
  )
}
