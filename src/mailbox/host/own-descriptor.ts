/**
 * Keeps this host's work, seal key and descriptor fresh.
 * Never announces a seal key that is not on disk: requests to it would be lost with a restart. Spec 03-mailbox §3.1, §3.2, §4.3.
 * @module
 */
import { equalBytes, InternalError, SECOND_MS } from '../../base/index.ts'
import { decodeHostDescriptor, type HostDescriptorFields } from '../../wire/index.ts'
import { type HostRecord, hostRecordOf, signHostDescriptor } from '../host-descriptor.ts'
import { CLOCK_TOLERANCE_MS } from '../options.ts'
import { hostWorkPeriod } from '../work.ts'
import { HOST_FUNCTIONS, type HostIdentity, type HostNodeDeps } from './context.ts'
import { type HostKeys, renewSealKey, saveHostKeys } from './host-keys.ts'
import type { KnownHosts } from './known-hosts.ts'

export interface OwnDescriptor extends HostIdentity {
  /** Seal key and first start, on disk when it resolves. */
  prepare(): Promise<void>
  /**
   * Renews whatever is due: seal key, work for the period that comes (minutes of one core), descriptor. Gives the new
   * record when there is one to announce.
   */
  renew(signal: AbortSignal): Promise<HostRecord | undefined>
}

const NO_KEY = new Uint8Array(0)
const MIB = 2 ** 20
const U32_MAX = 2 ** 32 - 1
/** New work is ready so long before the old one's period ends; others take it as early. */
const WORK_LEAD_MS = CLOCK_TOLERANCE_MS / 2

export function createOwnDescriptor(
  deps: Pick<
    HostNodeDeps,
    'clock' | 'random' | 'logger' | 'store' | 'keys' | 'parameters' | 'quotaBytes' | 'functions'
  >,
  known: KnownHosts,
): OwnDescriptor {
  const { clock, parameters, store } = deps
  const { mintHostWork } = deps.functions ?? HOST_FUNCTIONS
  let keys: HostKeys = deps.keys
  let self: HostRecord | undefined

  const replace = async (next: HostKeys): Promise<void> => {
    if (next === keys) return
    await saveHostKeys(store, next)
    keys = next
  }

  const work = async (signal: AbortSignal): Promise<NonNullable<HostKeys['work']>> => {
    const aheadMs = clock.nowMs() + WORK_LEAD_MS
    if (keys.work !== undefined && keys.work.period === hostWorkPeriod(keys.hostKey, aheadMs)) return keys.work
    deps.logger.info('host work begins')
    const found = await mintHostWork(keys.hostKey, aheadMs, parameters.hostWorkBits, signal, deps.random)
    await replace({ ...keys, work: found })
    deps.logger.info('host work is done')
    return found
  }

  const isDue = (record: HostRecord, found: NonNullable<HostKeys['work']>): boolean => {
    const { issuedAtSeconds, sealKey, workNonce, workPeriod } = record.descriptor
    const ageMs = clock.nowMs() - issuedAtSeconds * SECOND_MS
    if (ageMs >= parameters.descriptorRenewMs || ageMs < -CLOCK_TOLERANCE_MS) return true
    return (
      !equalBytes(sealKey, keys.sealKeys[0]?.publicKey ?? NO_KEY) ||
      workNonce !== found.nonce ||
      workPeriod !== found.period
    )
  }

  const sign = (found: NonNullable<HostKeys['work']>): HostRecord => {
    const sealKey = keys.sealKeys[0]?.publicKey
    if (sealKey === undefined) throw new InternalError('host has no seal key')
    const nowSeconds = Math.floor(clock.nowMs() / SECOND_MS)
    // Two within a second: the later one must count.
    const last = self?.descriptor.issuedAtSeconds
    const issuedAtSeconds = last === nowSeconds ? nowSeconds + 1 : nowSeconds
    const fields: HostDescriptorFields = {
      hostKey: keys.hostKey,
      sealKey,
      courierOnionKey: keys.courierOnionKey,
      meshOnionKey: keys.meshOnionKey,
      issuedAtSeconds,
      expiresAtSeconds: issuedAtSeconds + Math.floor(parameters.descriptorLifetimeMs / SECOND_MS),
      startedAtSeconds: Math.min(issuedAtSeconds, Math.floor((keys.startedAtMs ?? 0) / SECOND_MS)),
      capacityMib: Math.min(U32_MAX, Math.floor(deps.quotaBytes / MIB)),
      workPeriod: found.period,
      workNonce: found.nonce,
    }
    const bytes = signHostDescriptor(keys.hostSeed, fields)
    const descriptor = decodeHostDescriptor(bytes)
    if (descriptor === undefined) throw new InternalError('own descriptor does not decode')
    return hostRecordOf(descriptor, bytes, keys.startedAtMs ?? clock.nowMs())
  }

  const prepare = async (): Promise<void> => {
    const nowMs = clock.nowMs()
    await replace(renewSealKey(keys, nowMs, parameters.sealEpochMs))
    if (keys.startedAtMs === undefined) await replace({ ...keys, startedAtMs: nowMs })
  }

  return {
    keys: () => keys,
    self: () => self,
    prepare,
    async renew(signal) {
      await prepare()
      const found = await work(signal)
      if (self !== undefined && !isDue(self, found)) return undefined
      self = sign(found)
      known.setSelf(self)
      return self
    },
  }
}
