/**
 * The only source of randomness for protocol decisions; keys are made in `crypto`.
 * Never biased: `uniform` has 53 bits.
 * @module
 */

export interface Random {
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array
  /** A number in [0, 1), uniformly distributed. */
  uniform(): number
}
