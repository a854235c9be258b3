/**
 * Hosts for tests: keys from numbers, real signatures, and work that is real only where a test asks for it.
 * Never two hosts from one number, and the same host from the same number.
 * @module
 */
import { DAY_MS, SECOND_MS } from '../../src/base/index.ts'
import { ed25519PublicKey, label, sha256 } from '../../src/crypto/index.ts'
import { hostRecordOf } from '../../src/mailbox/host-descriptor.ts'
import {
  type HostRecord,
  hostWorkPeriod,
  MAILBOX_PARAMETERS,
  signHostDescriptor,
  verifyHostWork,
  type Work,
} from '../../src/mailbox/index.ts'
import { decodeHostDescriptor, type HostDescriptorFields } from '../../src/wire/index.ts'

/** Saturday, 21 November 2026, noon. */
export const TEST_NOW_MS = Date.UTC(2026, 10, 21, 12)

/** Cheap and not nothing: three of four nonces fail. */
export const TEST_WORK_BITS = 2

export function hostSeedOf(number: number): Uint8Array {
  return sha256(label('test-host'), new TextEncoder().encode(String(number)))
}

export interface TestHostOptions {
  readonly nowMs?: number
  readonly work?: Work
  readonly fields?: Partial<HostDescriptorFields>
}

/** The fields of an honest host at `nowMs`, with nonce 0 unless `work` is given. */
export function hostFieldsOf(number: number, options: TestHostOptions = {}): HostDescriptorFields {
  const nowMs = options.nowMs ?? TEST_NOW_MS
  const hostKey = ed25519PublicKey(hostSeedOf(number))
  const issuedAtSeconds = Math.floor(nowMs / SECOND_MS)
  return {
    hostKey,
    sealKey: sha256(hostKey, Uint8Array.of(1)),
    courierOnionKey: sha256(hostKey, Uint8Array.of(2)),
    meshOnionKey: sha256(hostKey, Uint8Array.of(3)),
    issuedAtSeconds,
    expiresAtSeconds: issuedAtSeconds + MAILBOX_PARAMETERS.descriptorLifetimeMs / SECOND_MS,
    startedAtSeconds: issuedAtSeconds - (10 * DAY_MS) / SECOND_MS,
    capacityMib: 1_024,
    workPeriod: options.work?.period ?? hostWorkPeriod(hostKey, nowMs),
    workNonce: options.work?.nonce ?? 0,
    ...options.fields,
  }
}

/** A signed descriptor. */
export function hostDescriptorOf(number: number, options: TestHostOptions = {}): Uint8Array {
  return signHostDescriptor(hostSeedOf(number), hostFieldsOf(number, options))
}

/** A record as the table takes it, without work: for tests that do not look at descriptors. */
export function hostRecord(number: number, options: TestHostOptions = {}): HostRecord {
  const bytes = hostDescriptorOf(number, options)
  const descriptor = decodeHostDescriptor(bytes)
  if (descriptor === undefined) throw new RangeError('a descriptor that does not decode')
  return hostRecordOf(descriptor, bytes, options.nowMs ?? TEST_NOW_MS)
}

export function hostRecords(count: number, options: TestHostOptions = {}): HostRecord[] {
  return Array.from({ length: count }, (_, number) => hostRecord(number, options))
}

/** The first nonce from 0 that has work of `TEST_WORK_BITS`, and the first that has not. */
export async function nonceOf(number: number, enough: boolean, nowMs = TEST_NOW_MS): Promise<Work> {
  const hostKey = ed25519PublicKey(hostSeedOf(number))
  const period = hostWorkPeriod(hostKey, nowMs)
  for (let nonce = 0; ; nonce += 1) {
    if ((await verifyHostWork(hostKey, { period, nonce }, TEST_WORK_BITS)) === enough) return { period, nonce }
  }
}
