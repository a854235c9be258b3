/**
 * Composes the host role: everything that the daemon runs for others.
 * Never shares a key, an onion service, a circuit, an instance or a file with the profile. DESIGN §2, spec 03-mailbox §1.
 * @module
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { hexEncode } from '../base/index.ts'
import { deriveOnionKey } from '../crypto/index.ts'
import {
  createHostNode,
  createRecordValidator,
  fetchHostTable,
  formatHostUri,
  type HostKeys,
  type HostNode,
  loadHostKeys,
  type MailboxParameters,
  parseHostUri,
  selectDescriptorRecord,
} from '../mailbox/index.ts'
import type {
  BoxStore,
  Clock,
  KeyValueStore,
  Logger,
  Random,
  RecordNetwork,
  Startable,
  TorProvider,
} from '../ports/index.ts'
import type { HostFace, HostRoleStats } from '../rpc/index.ts'
import { createMemoryBoxStore, openBoxStore } from '../store/index.ts'
import { createHostMesh } from '../transport/index.ts'
import { decodeHostDescriptor, type HostEntry } from '../wire/index.ts'

const MIB_BYTES = 2 ** 20

export interface HostRoleDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** The profile's store; the role keeps to tables of its own. */
  readonly store: KeyValueStore
  /** With isolation tokens that nothing else has. */
  readonly tor: TorProvider
  /** An instance that nothing else uses. */
  readonly network: RecordNetwork
  /** Tests put a fault in front of it. */
  readonly wrapBoxes?: ((boxes: BoxStore) => BoxStore) | undefined
  /** Default: `createHostMesh`. */
  readonly createMesh?: typeof createHostMesh | undefined
  readonly onFailure: (error: unknown) => void
}

export interface HostRoleOptions {
  /** Where boxes lie; undefined keeps them in memory. */
  readonly boxDirectory: string | undefined
  readonly quotaMib: number
  readonly parameters: MailboxParameters
  readonly entries: readonly HostEntry[]
}

export interface HostRole extends Startable {
  readonly face: HostFace
  /** After `stop`, and before the store it was given is closed. */
  close(): Promise<void>
}

/** @throws {AppError} `STORE_*` */
export async function composeHostRole(deps: HostRoleDeps, options: HostRoleOptions): Promise<HostRole> {
  const keys = await loadHostKeys(deps.store)
  const opened = await openBoxes(deps, options.boxDirectory, options.quotaMib * MIB_BYTES)
  const boxes = deps.wrapBoxes?.(opened) ?? opened
  try {
    return createRole(await createNode(deps, options, keys, boxes), deps.network, boxes, options.entries)
  } catch (error: unknown) {
    await boxes.close()
    throw error
  }
}

async function createNode(
  deps: HostRoleDeps,
  { parameters, quotaMib }: HostRoleOptions,
  keys: HostKeys,
  boxes: BoxStore,
): Promise<HostNode> {
  const { clock, random, logger, tor, network } = deps
  const mesh = await (deps.createMesh ?? createHostMesh)({
    clock,
    torProvider: tor,
    logger: logger.child('mesh'),
    hostSeed: keys.hostSeed,
    meshOnionSecretKey: deriveOnionKey(keys.meshOnionSeed).secretKey,
    meshTimeoutMs: parameters.meshTimeoutMs,
    validateRecord: createRecordValidator({ clock, hostWorkBits: parameters.hostWorkBits }),
    selectRecord: selectValidRecord,
  })
  return createHostNode({
    clock,
    random,
    logger: logger.child('host'),
    mesh,
    network,
    boxes,
    store: deps.store,
    keys,
    parameters,
    quotaBytes: quotaMib * MIB_BYTES,
    fetchHostTable: (entry, signal) =>
      fetchHostTable({ clock, random, logger: logger.child('join'), network, parameters }, entry, signal),
    onFailure: deps.onFailure,
  })
}

function createRole(
  node: HostNode,
  network: RecordNetwork,
  boxes: BoxStore,
  configured: readonly HostEntry[],
): HostRole {
  // A node reads what it knew when it starts, and would forget that over entries which come before.
  let early: HostEntry[] | undefined = [...configured]
  return {
    face: {
      stats: () => describeStats(node),
      async addHost(uri) {
        const parsed = parseHostUri(uri)
        // What is none was refused by the profile's side before.
        if (!parsed.ok) return
        if (early === undefined) await node.addHosts([parsed.entry])
        else early.push(parsed.entry)
      },
    },
    async start() {
      await node.start()
      const entries = early ?? []
      early = undefined
      if (entries.length > 0) await node.addHosts(entries)
    },
    stop: async () => {
      await Promise.all([node.stop(), network.stop()])
    },
    close: () => boxes.close(),
  }
}

/** The mesh asks with records that its own check has let through for one host. */
function selectValidRecord(values: readonly Uint8Array[]): number {
  const hostKey = values.map(decodeHostDescriptor).find((descriptor) => descriptor !== undefined)?.hostKey
  return hostKey === undefined ? 0 : selectDescriptorRecord(hostKey, values)
}

async function openBoxes(deps: HostRoleDeps, directory: string | undefined, quotaBytes: number): Promise<BoxStore> {
  const { clock, logger } = deps
  if (directory === undefined) return createMemoryBoxStore({ clock, quotaBytes })
  for (const path of [dirname(directory), directory]) mkdirSync(path, { recursive: true, mode: 0o700 })
  return openBoxStore({ directory, quotaBytes, clock, logger })
}

function describeStats(node: HostNode): HostRoleStats {
  const { entry, ...stats } = node.stats()
  return { host: formatHostUri(entry), hostKey: hexEncode(entry.hostKey), ...stats }
}
