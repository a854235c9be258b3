/**
 * Recognises JSON-RPC 2.0 requests among foreign JSON values.
 * Never throws, and never echoes anything but an `id` of bounded form. Spec 08-rpc §2.
 * @module
 */

export type RequestId = string | number | null

export interface RpcRequest {
  /** Undefined for a notification: it gets no reply, whatever happens. */
  readonly id: RequestId | undefined
  readonly method: string
  /** An empty object when absent. */
  readonly params: unknown
}

export type ParsedRequest =
  | { readonly ok: true; readonly request: RpcRequest }
  /** `id` is null when none could be made out. */
  | { readonly ok: false; readonly id: RequestId }

const ID_MAX_LENGTH = 256
const METHOD_MAX_LENGTH = 256
const MEMBERS: readonly string[] = ['jsonrpc', 'id', 'method', 'params']

export function parseRequest(value: unknown): ParsedRequest {
  if (!isObject(value)) return { ok: false, id: null }
  const id = Object.hasOwn(value, 'id') ? value['id'] : undefined
  if (id !== undefined && !isRequestId(id)) return { ok: false, id: null }
  const method = Object.hasOwn(value, 'method') ? value['method'] : undefined
  const params = Object.hasOwn(value, 'params') ? value['params'] : undefined
  const valid =
    value['jsonrpc'] === '2.0' &&
    typeof method === 'string' &&
    method.length <= METHOD_MAX_LENGTH &&
    // A misspelt `params` would otherwise pass as a call without any.
    Object.keys(value).every((key) => MEMBERS.includes(key))
  if (!valid) return { ok: false, id: id ?? null }
  // signal-cli's clients send `params: null`; it means the same as nothing.
  return { ok: true, request: { id, method, params: params ?? {} } }
}

/** Whole numbers only: others would not come back as the text they were sent as. */
function isRequestId(value: unknown): value is RequestId {
  return value === null || Number.isSafeInteger(value) || (typeof value === 'string' && value.length <= ID_MAX_LENGTH)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
