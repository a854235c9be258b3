/**
 * Argon2id (RFC 9106), the slow step between a passphrase and a key.
 * Never blocks the event loop: it runs in the thread pool. CRYPTO §2f.
 * @module
 */
import { argon2 } from 'node:crypto'
import { plainBytes } from './bytes.ts'

export interface Argon2Parameters {
  readonly memoryKiB: number
  readonly passes: number
  readonly parallelism: number
}

/** A key of `lengthBytes` from a passphrase; the cost is in the parameters, which are stored beside the salt. */
export function argon2id(
  passphrase: Uint8Array,
  salt: Uint8Array,
  parameters: Argon2Parameters,
  lengthBytes: number,
): Promise<Uint8Array> {
  const { memoryKiB, passes, parallelism } = parameters
  return new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: passphrase, nonce: salt, memory: memoryKiB, passes, parallelism, tagLength: lengthBytes },
      (error, key) => {
        if (error === null) resolve(plainBytes(key))
        else reject(error)
      },
    )
  })
}
