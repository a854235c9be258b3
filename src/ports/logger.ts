/**
 * Structured logging whose arguments are safe by type.
 * Never takes free text with data in it: an event name and numbers, booleans or fixed words only.
 * @module
 */

export type LogFields = Readonly<Record<string, number | boolean | LogWord>>

/** A word from a closed set in the source: an error code, a stage name. Never data from outside. */
export type LogWord = string & { readonly __logWord: true }

export interface Logger {
  debug(event: string, fields?: LogFields, cause?: unknown): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields, cause?: unknown): void
  /** For bugs only. */
  error(event: string, fields?: LogFields, cause?: unknown): void
  /** The same logger with `name` in front of every event. */
  child(name: string): Logger
}
