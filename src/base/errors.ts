/**
 * Gives every expected failure a name, a kind and a remedy that are safe to log.
 * Never carries secrets, names, addresses or ids in its text. HOUSE §4.4.
 * @module
 */

/** Who can do something about a failure. Retry logic and the RPC look at this, never at message text. */
export type ErrorKind = 'user' | 'retry' | 'peer' | 'environment' | 'bug' | 'stopping'

/** What is said once about each code, in its folder's `errors.ts`. */
export interface ErrorEntry {
  readonly kind: ErrorKind
  /** Why it happens, one sentence for the person who reads it. */
  readonly why: string
  /** What the caller or the user may do about it, one sentence. */
  readonly remedy: string
}

export type ErrorTable = Readonly<Record<string, ErrorEntry>>

/** Log-safe by type: numbers and booleans only. */
export type ErrorDetails = Readonly<Record<string, number | boolean>>

export interface AppErrorOptions {
  readonly details?: ErrorDetails
  /** The foreign error behind this one; printed at debug level only. */
  readonly cause?: unknown
}

/** An operation that failed in a foreseen way. Its message is built from the table of its folder and is safe to log. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: string
  readonly kind: ErrorKind
  readonly remedy: string
  readonly details: ErrorDetails

  constructor(code: string, entry: ErrorEntry, options: AppErrorOptions = {}) {
    super(entry.why, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.kind = entry.kind
    this.remedy = entry.remedy
    this.details = options.details ?? {}
  }
}

export type ErrorFactory<Table extends ErrorTable> = (code: keyof Table & string, options?: AppErrorOptions) => AppError

/** Binds a folder's error table to a factory, so that a code which is not documented does not compile. */
export function createErrorFactory<const Table extends ErrorTable>(table: Table): ErrorFactory<Table> {
  return (code, options) => {
    const entry = table[code]
    if (entry === undefined) throw new InternalError('error code without an entry')
    return new AppError(code, entry, options)
  }
}

/** A bug of ours: an impossible state. Never caught below `daemon`, which logs and stops. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
}

export function isAppError(error: unknown, code?: string): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}

/** True for the error that an aborted `AbortSignal` causes; it passes through every layer unwrapped. */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
