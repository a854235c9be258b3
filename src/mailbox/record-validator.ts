/**
 * Which records the DHT of a host keeps: descriptors that hold, at a price that strangers cannot drive up.
 * Never computes two proofs of work at once, and none twice for a host that is known: whoever puts records into the DHT has
 * shown no work of its own. Spec 03-mailbox §3.3, §6.2.
 * @module
 */
import { createMutex, equalBytes, hexEncode } from '../base/index.ts'
import type { Clock } from '../ports/index.ts'
import { decodeHostDescriptor } from '../wire/index.ts'
import { type HostRecord, hostRecordOf, isValidDescriptorRecord } from './host-descriptor.ts'
import { HOST_TABLE_MAX_COUNT } from './options.ts'

export interface RecordValidatorDeps {
  readonly clock: Clock
  readonly hostWorkBits: number
  /** Records that wait for their work to be computed; beyond it they do not count. Default: `WAITING_MAX_COUNT`. */
  readonly waitingMaxCount?: number
  /** Tests count its calls. */
  readonly isValid?: typeof isValidDescriptorRecord
}

/** False for what must not be kept under this host key, and for what nobody has time to look at. */
export type RecordValidator = (hostKey: Uint8Array, value: Uint8Array) => Promise<boolean>

/** Half a second of one core. Guessed. */
const WAITING_MAX_COUNT = 64

export function createRecordValidator(deps: RecordValidatorDeps): RecordValidator {
  const { clock, hostWorkBits, waitingMaxCount = WAITING_MAX_COUNT, isValid = isValidDescriptorRecord } = deps
  const turns = createMutex()
  /** Hosts whose work held; the one that was not seen for longest makes room. */
  const proven = new Map<string, HostRecord>()
  let waiting = 0

  const remember = (name: string, record: HostRecord): void => {
    proven.delete(name)
    proven.set(name, record)
    const oldest = proven.keys().next().value
    if (proven.size > HOST_TABLE_MAX_COUNT && oldest !== undefined) proven.delete(oldest)
  }

  return async (hostKey, value) => {
    const descriptor = decodeHostDescriptor(value)
    if (descriptor === undefined || !equalBytes(descriptor.hostKey, hostKey)) return false
    const name = hexEncode(hostKey)
    const check = async (): Promise<boolean> => {
      const known = proven.get(name)
      const nowMs = clock.nowMs()
      if (!(await isValid(hostKey, value, { nowMs, hostWorkBits, known }))) return false
      remember(name, hostRecordOf(descriptor, Uint8Array.from(value), known?.firstSeenAtMs ?? nowMs))
      return true
    }
    const known = proven.get(name)?.descriptor
    if (known?.workPeriod === descriptor.workPeriod && known.workNonce === descriptor.workNonce) return check()
    if (waiting >= waitingMaxCount) return false
    waiting += 1
    try {
      return await turns.run(check)
    } finally {
      waiting -= 1
    }
  }
}
