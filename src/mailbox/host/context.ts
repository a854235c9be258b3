/**
 * What the parts of a host share: adapters, parameters, identity and counts.
 * Never anything of a client: no part keeps who asked for what. Spec 03-mailbox §1.
 * @module
 */
import type { BoxStore, Clock, HostMesh, KeyValueStore, Logger, Random, RecordNetwork } from '../../ports/index.ts'
import type { HostEntry } from '../../wire/index.ts'
import { checkHostDescriptor, type HostRecord } from '../host-descriptor.ts'
import type { MailboxParameters } from '../options.ts'
import { mintHostWork, verifySessionWork } from '../work.ts'
import type { HostKeys } from './host-keys.ts'

/** The functions whose cost or verdict tests replace; everybody else leaves them alone. */
export interface HostFunctions {
  readonly checkHostDescriptor: typeof checkHostDescriptor
  readonly mintHostWork: typeof mintHostWork
  readonly verifySessionWork: typeof verifySessionWork
}

export const HOST_FUNCTIONS: HostFunctions = { checkHostDescriptor, mintHostWork, verifySessionWork }

/** Encoded descriptors that a courier gives, all its pages; they are not checked yet. @throws {AppError} when it fails */
export type FetchHostTable = (entry: HostEntry, signal: AbortSignal) => Promise<readonly Uint8Array[]>

export interface HostNodeDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Made for this host's keys. The node starts and stops it. */
  readonly mesh: HostMesh
  /** For the courier's onion, and to join through another's. Shares nothing with the profile's. The caller stops it. */
  readonly network: RecordNetwork
  /** Open; the caller closes it after `stop`. */
  readonly boxes: BoxStore
  readonly store: KeyValueStore
  readonly keys: HostKeys
  readonly parameters: MailboxParameters
  /** What the descriptor says of the room; the box store keeps to it. */
  readonly quotaBytes: number
  readonly fetchHostTable: FetchHostTable
  /** Default: `HOST_FUNCTIONS`. */
  readonly functions?: HostFunctions
  /** A bug: the host cannot go on. */
  readonly onFailure: (error: unknown) => void
}

/** Counted since the start. */
export interface HostCounts {
  stored: number
  conflicts: number
  refusedFull: number
  fetched: number
  missed: number
  relayed: number
  expired: number
  repaired: number
}

export function createHostCounts(): HostCounts {
  return { stored: 0, conflicts: 0, refusedFull: 0, fetched: 0, missed: 0, relayed: 0, expired: 0, repaired: 0 }
}

/** Who this host is right now; both change with time. */
export interface HostIdentity {
  keys(): HostKeys
  /** Undefined until the work is done. */
  self(): HostRecord | undefined
}
