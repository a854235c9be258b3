/**
 * Wraps a value so that no log line, JSON text or inspection can print it by accident.
 * Never compares or transforms the value. HOUSE §4.4.
 * @module
 */

const INSPECT = Symbol.for('nodejs.util.inspect.custom')
const REDACTED = '[redacted]'

/** Holds a secret, a name, an address or an id; prints `[redacted]` whoever asks. */
export class Sensitive<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The only way to the value; grep for it in reviews. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [INSPECT](): string {
    return REDACTED
  }
}
