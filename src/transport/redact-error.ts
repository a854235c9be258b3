/**
 * Makes foreign errors fit to be a `cause`.
 * Never passes on a message of libp2p: those hold addresses, peer ids and keys. HOUSE §4.4.
 * @module
 */
import { isAppError } from '../base/index.ts'

/** An error with the name and the stack frames of `error` and without its text. Errors of our own pass as they are. */
export function redactError(error: unknown): Error {
  if (isAppError(error)) return error
  if (!(error instanceof Error)) return new Error('foreign error')
  // A name is set by code; the pattern keeps out whatever is not a class name.
  const redacted = new Error(/^[A-Za-z]{1,40}$/.test(error.name) ? error.name : 'foreign error')
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line))
  redacted.stack = [`Error: ${redacted.message}`, ...frames].join('\n')
  return redacted
}
