/**
 * What a host says of itself, and what of it is believed: signature, work, times.
 * Never takes a host id from anybody: it follows from the key and the work that were checked. Spec 03-mailbox §3.1, §3.2, §3.3.
 * @module
 */
import { equalBytes, SECOND_MS } from '../base/index.ts'
import { ed25519PublicKey, ed25519Sign, ed25519Verify, framed, label } from '../crypto/index.ts'
import {
  decodeHostDescriptor,
  encodeHostDescriptor,
  encodeHostDescriptorFields,
  type HostDescriptorFields,
  type SignedHostDescriptor,
} from '../wire/index.ts'
import { CLOCK_TOLERANCE_MS, MAILBOX_PARAMETERS } from './options.ts'
import { compareBytes } from './placement.ts'
import { hostIdOf, hostWorkPeriodEndMs, isHostWorkPeriod, verifyHostWork } from './work.ts'

/** A host whose descriptor was checked, or read from what was checked before. */
export interface HostRecord {
  /** Where it stands among the boxes; changes with each work period. 32 bytes. */
  readonly hostId: Uint8Array
  readonly descriptor: SignedHostDescriptor
  /** The descriptor as it came, to be passed on unchanged. */
  readonly bytes: Uint8Array
  /** Until when it counts: its own expiry, or the end of its work period with tolerance. */
  readonly validUntilMs: number
  /** When this node first heard of the host. */
  readonly firstSeenAtMs: number
}

export type DescriptorFault =
  /** Wrong length or version, or times that contradict each other. */
  | 'malformed'
  | 'signature'
  /** Not enough leading zero bits. */
  | 'work'
  | 'stale'
  | 'future'
  /** Work for a period that is over or not there yet. */
  | 'period'

export type DescriptorVerdict =
  | { readonly ok: true; readonly host: HostRecord }
  | { readonly ok: false; readonly reason: DescriptorFault }

export interface DescriptorRules {
  readonly nowMs: number
  readonly hostWorkBits: number
  /**
   * The record that is known of this host, whose work need not be computed again while it is the same; that of another
   * host or of other work does no harm.
   */
  readonly known?: HostRecord | undefined
}

function signedBytes(fields: HostDescriptorFields): Uint8Array {
  return framed(label('host-descriptor'), encodeHostDescriptorFields(fields))
}

/** The encoded descriptor. @throws {RangeError} for fields out of range and a seed that is not `hostKey`'s */
export function signHostDescriptor(seed: Uint8Array, fields: HostDescriptorFields): Uint8Array {
  if (!equalBytes(ed25519PublicKey(seed), fields.hostKey)) throw new RangeError('seed is not the host key’s')
  return encodeHostDescriptor({ ...fields, signature: ed25519Sign(seed, signedBytes(fields)) })
}

/**
 * Looks at everything a descriptor claims, the cheap things first: what a stranger sends costs a scrypt only when it is
 * signed by the key that it names and of our time.
 */
export async function checkHostDescriptor(bytes: Uint8Array, rules: DescriptorRules): Promise<DescriptorVerdict> {
  const descriptor = decodeHostDescriptor(bytes)
  if (descriptor === undefined || !isPlausible(descriptor)) return { ok: false, reason: 'malformed' }
  const { hostKey, workPeriod: period, workNonce: nonce } = descriptor
  const { nowMs } = rules
  if (descriptor.issuedAtSeconds * SECOND_MS > nowMs + CLOCK_TOLERANCE_MS) return { ok: false, reason: 'future' }
  if (descriptor.expiresAtSeconds * SECOND_MS <= nowMs) return { ok: false, reason: 'stale' }
  if (!isHostWorkPeriod(hostKey, period, nowMs)) return { ok: false, reason: 'period' }
  if (!ed25519Verify(hostKey, signedBytes(descriptor), descriptor.signature)) return { ok: false, reason: 'signature' }
  const known = rules.known?.descriptor
  const isWorkKnown =
    known !== undefined &&
    known.workPeriod === period &&
    known.workNonce === nonce &&
    equalBytes(known.hostKey, hostKey)
  if (!isWorkKnown && !(await verifyHostWork(hostKey, { period, nonce }, rules.hostWorkBits)))
    return { ok: false, reason: 'work' }
  return { ok: true, host: hostRecordOf(descriptor, bytes, rules.known?.firstSeenAtMs ?? nowMs) }
}

/** Times that an honest host may write, whatever its clock shows. */
function isPlausible({ issuedAtSeconds, expiresAtSeconds, startedAtSeconds }: SignedHostDescriptor): boolean {
  const lifetimeMs = (expiresAtSeconds - issuedAtSeconds) * SECOND_MS
  return lifetimeMs > 0 && lifetimeMs <= MAILBOX_PARAMETERS.descriptorLifetimeMs && startedAtSeconds <= issuedAtSeconds
}

/** The record of a descriptor that was checked before; checks nothing itself. */
export function hostRecordOf(descriptor: SignedHostDescriptor, bytes: Uint8Array, firstSeenAtMs: number): HostRecord {
  const { hostKey, workPeriod: period, workNonce: nonce } = descriptor
  const validUntilMs = Math.min(
    descriptor.expiresAtSeconds * SECOND_MS,
    Math.floor(hostWorkPeriodEndMs(hostKey, period)) + CLOCK_TOLERANCE_MS,
  )
  return { hostId: hostIdOf(hostKey, { period, nonce }), descriptor, bytes, validUntilMs, firstSeenAtMs }
}

/**
 * Whether `a` replaces `b`, both of one host: the one issued later, and of two issued at once the one whose bytes sort
 * later, so that all nodes choose alike.
 */
export function isNewerDescriptor(
  a: Pick<HostRecord, 'descriptor' | 'bytes'>,
  b: Pick<HostRecord, 'descriptor' | 'bytes'>,
): boolean {
  const difference = a.descriptor.issuedAtSeconds - b.descriptor.issuedAtSeconds
  return difference === 0 ? compareBytes(a.bytes, b.bytes) > 0 : difference > 0
}

/** Whether the DHT may keep this value under this host key. */
export async function isValidDescriptorRecord(
  hostKey: Uint8Array,
  value: Uint8Array,
  rules: DescriptorRules,
): Promise<boolean> {
  const verdict = await checkHostDescriptor(value, rules)
  return verdict.ok && equalBytes(verdict.host.descriptor.hostKey, hostKey)
}

/**
 * Which of several valid values under one host key the DHT gives: the index of the newest. What does not decode or names
 * another key loses to everything; 0 when nothing else is there. Checks no signature: the validator has.
 */
export function selectDescriptorRecord(hostKey: Uint8Array, values: readonly Uint8Array[]): number {
  let best: Pick<HostRecord, 'descriptor' | 'bytes'> | undefined
  let bestIndex = 0
  for (const [index, bytes] of values.entries()) {
    const descriptor = decodeHostDescriptor(bytes)
    if (descriptor === undefined || !equalBytes(descriptor.hostKey, hostKey)) continue
    const candidate = { descriptor, bytes }
    if (best !== undefined && !isNewerDescriptor(candidate, best)) continue
    best = candidate
    bestIndex = index
  }
  return bestIndex
}
