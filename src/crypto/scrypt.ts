/**
 * Scrypt (RFC 7914), the slow step of proofs of work: it wants memory, so that special machines gain little.
 * Never blocks the event loop: it runs in the thread pool. METADATA §4.4, spec 03-mailbox §3.2.
 * @module
 */
import { scrypt as nodeScrypt } from 'node:crypto'
import { plainBytes } from './bytes.ts'

export interface ScryptParameters {
  /** N, a power of two. */
  readonly cost: number
  /** r; one run takes 128 · N · r bytes. */
  readonly blockSize: number
  /** p. */
  readonly parallelism: number
}

/** `lengthBytes` from a password; the cost is in the parameters. */
export function scrypt(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: ScryptParameters,
  lengthBytes: number,
): Promise<Uint8Array> {
  const { cost, blockSize, parallelism } = parameters
  // OpenSSL wants room for the blocks beside the table, and node's own limit is lower than some costs need.
  const maxmem = 128 * blockSize * (cost + parallelism + 2) + 1024
  return new Promise((resolve, reject) => {
    nodeScrypt(password, salt, lengthBytes, { cost, blockSize, parallelization: parallelism, maxmem }, (error, key) => {
      if (error === null) resolve(plainBytes(key))
      else reject(error)
    })
  })
}
