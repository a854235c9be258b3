/**
 * How a host that joins gets its first table: it asks the courier of one host it knows for all of it.
 * Never used by clients, which take a page in each slot and no more. Spec 03-mailbox §3.4, §6.3.
 * @module
 */
import { hexEncode, withDeadline } from '../../base/index.ts'
import { createEd25519Seed, randomBytes } from '../../crypto/index.ts'
import type { RecordLink } from '../../ports/index.ts'
import {
  type CourierAnswer,
  type CourierRequest,
  decodeCourierAnswer,
  decodeHostDescriptor,
  encodeCourierRequest,
  HOST_ID_BYTES,
  type HostEntry,
  TABLE_PAGE_COUNT,
  type TablePage,
} from '../../wire/index.ts'
import { mailboxError } from '../errors.ts'
import { HOST_TABLE_MAX_COUNT } from '../options.ts'
import { compareBytes } from '../placement.ts'
import { hostIdOf } from '../work.ts'
import { type CourierIdentity, dialCourier } from './courier-link.ts'
import type { CourierDeps } from './deps.ts'

/**
 * Encoded descriptors, ascending by host id, at most `HOST_TABLE_MAX_COUNT`. Their signatures, work and times are still
 * to be checked. Leaves the courier's pace to the courier: one page for each hold of its profile at the most.
 * @throws {AppError} `MAILBOX_COURIER_FAILED` for a courier that ends the link, is silent or answers what it was not
 * asked; the codes of `RecordNetwork.dial`; the signal's reason
 */
export async function fetchHostTable(
  deps: CourierDeps,
  entry: HostEntry,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const identity: CourierIdentity = {
    courier: entry,
    profile: 'fast',
    cursor: new Uint8Array(HOST_ID_BYTES),
    localSeed: createEd25519Seed(),
    isolation: `host-table:${hexEncode(randomBytes(16))}`,
  }
  const { link, hello } = await dialCourier(deps, identity, signal, () => undefined)
  try {
    const welcome = await exchange(deps, link, hello, signal)
    if (welcome.kind !== 'welcome') throw mailboxError('MAILBOX_COURIER_FAILED')
    return await fetchPages(deps, link, welcome, signal)
  } finally {
    await link.close()
  }
}

async function fetchPages(
  deps: CourierDeps,
  link: RecordLink,
  welcome: TablePage,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const descriptors: Uint8Array[] = []
  let cursor: Uint8Array = new Uint8Array(HOST_ID_BYTES)
  for (let page: TablePage = welcome; ; ) {
    for (const bytes of page.descriptors) {
      const descriptor = decodeHostDescriptor(bytes)
      const hostId =
        descriptor && hostIdOf(descriptor.hostKey, { period: descriptor.workPeriod, nonce: descriptor.workNonce })
      if (hostId === undefined || compareBytes(hostId, cursor) <= 0) throw mailboxError('MAILBOX_COURIER_FAILED')
      cursor = hostId
      descriptors.push(bytes)
    }
    if (page.descriptors.length < TABLE_PAGE_COUNT || descriptors.length >= HOST_TABLE_MAX_COUNT) break
    // A courier that answers at once is not asked faster than it admits.
    await deps.clock.sleep(deps.parameters.courierRecordIntervalMs, signal)
    const answer = await exchange(deps, link, { kind: 'table', cursor }, signal)
    if (answer.kind !== 'table') throw mailboxError('MAILBOX_COURIER_FAILED')
    page = answer
  }
  return descriptors.slice(0, HOST_TABLE_MAX_COUNT)
}

/** One record up, one down. */
async function exchange(
  deps: CourierDeps,
  link: RecordLink,
  request: CourierRequest,
  signal: AbortSignal,
): Promise<CourierAnswer> {
  return withDeadline(deps.clock, deps.parameters.requestTimeoutMs, signal, async (deadline) => {
    const end = (): void => void link.close()
    deadline.addEventListener('abort', end, { once: true })
    try {
      await link.send(encodeCourierRequest(request))
      const record = await link.receive()
      signal.throwIfAborted()
      const answer = record && decodeCourierAnswer(record)
      if (answer === undefined) throw mailboxError('MAILBOX_COURIER_FAILED')
      return answer
    } finally {
      deadline.removeEventListener('abort', end)
    }
  })
}
