/**
 * Control-port commands as values whose arguments no log can show.
 * Never builds a command that holds a line break: one value is one line on the wire. Spec 07-tor §2.2.
 * @module
 */
import { Sensitive } from '../../base/index.ts'

/** A command; prints as its verb and `[redacted]`. */
export interface ControlCommand {
  /** From the source, for instance `ADD_ONION`; safe to log. */
  readonly verb: string
  readonly line: Sensitive<string>
  toString(): string
  toJSON(): string
}

const VERB = /^[A-Z_]+$/
const FORBIDDEN = /[\r\n\0]/

/**
 * One command of space-separated arguments, written exactly as given.
 *
 * @throws {RangeError} when the verb is not upper-case words or an argument would break the line; both are bugs here.
 */
export function controlCommand(verb: string, ...args: readonly string[]): ControlCommand {
  if (!VERB.test(verb)) throw new RangeError('"verb" is not a control command')
  const line = [verb, ...args].join(' ')
  if (FORBIDDEN.test(line)) throw new RangeError('"args" would break the command line')
  const printed = args.length === 0 ? verb : `${verb} [redacted]`
  return { verb, line: new Sensitive(line), toString: () => printed, toJSON: () => printed }
}

/** A QuotedString of the control protocol: quotes and backslashes escaped. */
export function quoteString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
