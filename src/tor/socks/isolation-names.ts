/**
 * The SOCKS user names by which tor keeps streams apart, or lets them share circuits.
 * Never one name for two tokens, nor one that tells a token. Spec 07-tor §7.1.
 * @module
 */
import { createHmac } from 'node:crypto'
import type { OnionAddress } from '../../ports/index.ts'

/**
 * Services with another name than the first one; beyond, the oldest has its first name again, whose circuits are long gone.
 * Above the hosts that a mesh dials within the ten minutes for which tor keeps a circuit that nobody uses. Guessed.
 */
export const RENAMED_MAX_COUNT = 1_024

export interface IsolationNames {
  /** 64 hex digits: the same for equal arguments, until `leave`. @throws {RangeError} for an empty token, a bug of the caller */
  of(token: string, address: OnionAddress): string
  /**
   * A dial of `address` in `name` was not answered, so that its circuit may be dead: from now on `token` has another name there.
   * tor itself would go on using that circuit. No effect when it has another one already.
   */
  leave(token: string, address: OnionAddress, name: string): void
}

/** @param secret 32 bytes that no other start has: tor shows user names to whoever controls it */
export function createIsolationNames(secret: Uint8Array): IsolationNames {
  const generations = new Map<string, number>()
  let last = 0
  const digest = (text: string): string => createHmac('sha256', secret).update(text).digest('hex')
  // Does not keep whom we dialled, who may be no contact any more. An address has no blank: no two pairs are one.
  const keyOf = (token: string, address: OnionAddress): string => digest(`service ${address} ${token}`)
  const of: IsolationNames['of'] = (token, address) => {
    if (token === '') throw new RangeError('"isolation" must not be empty')
    return digest(`name ${generations.get(keyOf(token, address)) ?? 0} ${token}`)
  }
  return {
    of,
    leave(token, address, name) {
      if (of(token, address) !== name) return
      const key = keyOf(token, address)
      // Never a generation twice: two services under one token may not come to share a name that one of them had to leave.
      last += 1
      generations.delete(key)
      generations.set(key, last)
      const [oldest] = generations.keys()
      if (generations.size > RENAMED_MAX_COUNT && oldest !== undefined) generations.delete(oldest)
    },
  }
}
