/**
 * Hosts that do not keep to the protocol: what each fault does, at the edges of an honest host.
 * Never inside the host's own code: a faulty host runs the shipped code over adapters that lie.
 * @module
 */
import {
  ciphertextHashOf,
  type HostKeys,
  type MailboxParameters,
  openRequest,
  sealReply,
  signReceipt,
} from '../../src/mailbox/index.ts'
import type {
  BoxStore,
  Clock,
  HostMesh,
  KeyValueStore,
  MeshRequest,
  Random,
  RecordLink,
  RecordNetwork,
} from '../../src/ports/index.ts'
import {
  BOX_CIPHERTEXT_BYTES,
  COURIER_RECORD_BYTES,
  decodeCourierRequest,
  decodeHostDescriptor,
  decodeMailboxRequest,
  decodeMeshTablePage,
  encodeCourierRequest,
  encodeStoreReply,
  HOST_ID_BYTES,
  HOST_ROUTE_BYTES,
  MESH_OPERATION,
  REPLICA_COUNT,
} from '../../src/wire/index.ts'

/** What is wrong with a host; may be changed while it runs. Nothing is wrong with an empty object. */
export interface HostFaults {
  /** As a courier it does not pass on this share of the requests. */
  dropShare?: number
  /** As a courier it passes each request on twice. */
  replaysRequests?: boolean
  /** As a replica it says that it keeps boxes, with good receipts, and keeps none. */
  claimsStored?: boolean
  /** As a replica its receipts are not signed by its key. */
  forgesReceipts?: boolean
  /** As an intermediate it stores nothing and makes up receipts of all replicas. */
  inventsReceipts?: boolean
  /** What others stored with it, it stores again everywhere, later. */
  replaysWrites?: boolean
  /** Its answers over the mesh come in another order, up to so much later. */
  reordersMs?: number
  /** Its answers over the mesh come so much later. */
  lateMs?: number
  /** This share of its answers over the mesh are random bytes of the right length. */
  garbageShare?: number
  /** This share of its answers over the mesh are of a wrong length. */
  wrongSizeShare?: number
  /** Its pages of the host table are these bytes. */
  tablePage?: Uint8Array
}

export interface FaultDeps {
  readonly clock: Clock
  readonly random: Random
  readonly faults: HostFaults
  readonly keys: HostKeys
  readonly store: KeyValueStore
  readonly parameters: MailboxParameters
  /** The keys that this host's requests are sealed to now. */
  readonly sealKeys: () => Promise<readonly Uint8Array[]>
}

/** A box store that says yes and keeps nothing, while the fault is on. */
export function faultyBoxes(boxes: BoxStore, { faults }: FaultDeps): BoxStore {
  return {
    ...boxes,
    put: (box, expiresAtMs) =>
      faults.claimsStored === true
        ? Promise.resolve({ status: 'stored', expiresAtMs: Math.floor(expiresAtMs / 1_000) * 1_000 })
        : boxes.put(box, expiresAtMs),
    has: (boxId) => (faults.claimsStored === true ? Promise.resolve(true) : boxes.has(boxId)),
    get: (boxId) =>
      faults.claimsStored === true
        ? Promise.resolve({
            boxId,
            signature: new Uint8Array(64).fill(7),
            ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES),
          })
        : boxes.get(boxId),
  }
}

/** A courier that loses requests: their route leads nowhere, and the record is answered as ever. */
export function faultyNetwork(network: RecordNetwork, { random, faults }: FaultDeps): RecordNetwork {
  const lose = (record: Uint8Array): Uint8Array => {
    const { dropShare = 0 } = faults
    const request = record.length === COURIER_RECORD_BYTES ? decodeCourierRequest(record) : undefined
    if (dropShare === 0 || (request?.kind !== 'write' && request?.kind !== 'read')) return record
    const requests = request.requests.map((routed) =>
      random.uniform() < dropShare ? { ...routed, route: random.bytes(HOST_ROUTE_BYTES) } : routed,
    )
    return encodeCourierRequest({ ...request, requests })
  }
  const watch = (link: RecordLink): RecordLink => ({
    ...link,
    async receive() {
      const record = await link.receive()
      return record === undefined ? undefined : lose(record)
    },
  })
  return {
    ...network,
    listen: (options) => network.listen({ ...options, onLink: (link) => options.onLink(watch(link)) }),
  }
}

/** A mesh whose answers lie, come late or make no sense. */
export function faultyMesh(mesh: HostMesh, deps: FaultDeps): HostMesh {
  const { clock, random, faults, keys } = deps
  const replayed: Uint8Array[] = []

  const tamper = async (request: MeshRequest, answer: Uint8Array | undefined): Promise<Uint8Array | undefined> => {
    if (answer === undefined) return undefined
    const { operation } = request
    if (faults.forgesReceipts === true && operation === MESH_OPERATION.store && answer[0] === 1)
      return answer.with(answer.length - 1, (answer.at(-1) ?? 0) ^ 1)
    if (faults.tablePage !== undefined && operation === MESH_OPERATION.tablePage) return faults.tablePage
    if (random.uniform() < (faults.garbageShare ?? 0)) return random.bytes(answer.length)
    if (random.uniform() < (faults.wrongSizeShare ?? 0)) return random.bytes(answer.length + 1)
    return answer
  }

  /** Receipts of all hosts that could be replicas, none of them asked. */
  const invent = async (
    request: MeshRequest,
    handler: (request: MeshRequest) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> => {
    const opened = openRequest(await deps.sealKeys(), keys.hostKey, request.body)
    const asked = opened === undefined ? undefined : decodeMailboxRequest(opened)
    if (asked?.operation !== 'store') return handler(request)
    const table = await handler({
      ...request,
      operation: MESH_OPERATION.tablePage,
      body: new Uint8Array(HOST_ID_BYTES),
    })
    const hosts = (table === undefined ? undefined : decodeMeshTablePage(table)) ?? []
    const expiresAtSeconds = Math.floor(clock.nowMs() / 1_000) + 1_000_000
    const receipts = hosts.slice(0, REPLICA_COUNT).map((bytes) => {
      const hostKey = decodeHostDescriptor(bytes)?.hostKey ?? new Uint8Array(32)
      // Its own key is the only one it has.
      return { ...signReceipt(keys.hostSeed, hostKey, asked.box, expiresAtSeconds) }
    })
    ciphertextHashOf(asked.box)
    return sealReply(asked.replyKey, encodeStoreReply({ status: 'stored', receipts }))
  }

  return {
    ...mesh,
    async request(hostKey, operation, body, signal) {
      const isRelay = operation === MESH_OPERATION.relay
      const answer = mesh.request(hostKey, operation, body, signal)
      if (isRelay && faults.replaysRequests === true)
        await Promise.allSettled([answer, mesh.request(hostKey, operation, body, signal)])
      return answer
    },
    serve(handler) {
      mesh.serve(async (request) => {
        if (faults.replaysWrites === true && request.operation === MESH_OPERATION.store) replayed.push(request.body)
        const isInvented = faults.inventsReceipts === true && request.operation === MESH_OPERATION.relay
        const answer = await tamper(request, await (isInvented ? invent(request, handler) : handler(request)))
        const waitMs = (faults.lateMs ?? 0) + random.uniform() * (faults.reordersMs ?? 0)
        if (waitMs > 0) await clock.sleep(waitMs)
        const old = faults.replaysWrites === true ? replayed[Math.floor(random.uniform() * replayed.length)] : undefined
        if (old !== undefined) {
          const everybody = mesh.peers()
          const target = everybody[Math.floor(random.uniform() * everybody.length)]
          const never = new AbortController().signal
          if (target !== undefined)
            void mesh.request(target.hostKey, MESH_OPERATION.store, old, never).catch(() => undefined)
        }
        return answer
      })
    },
  }
}
