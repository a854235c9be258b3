/**
 * A host: storage, intermediate and courier in one, and its place among the others.
 * Never knows whose boxes it keeps or whose records it answers. Spec 03-mailbox §1.
 * @module
 */
import { createSteadyTime, createTaskGroup, hexEncode, isForeseen } from '../../base/index.ts'
import type { RoutedRequest } from '../../wire/index.ts'
import type { HostNode, HostStats } from '../api.ts'
import { createBoxService } from './box-service.ts'
import { createHostCounts, type HostNodeDeps } from './context.ts'
import { createCourier } from './courier.ts'
import { createDiscovery } from './discovery.ts'
import { createHostCalls } from './host-calls.ts'
import { hostEntryOf } from './host-keys.ts'
import { createIntermediate } from './intermediate.ts'
import { createKnownHosts } from './known-hosts.ts'
import { createMeshServer } from './mesh-server.ts'
import { SWEEP_INTERVAL_MS, TABLE_SAVE_INTERVAL_MS } from './options.ts'
import { createOwnDescriptor } from './own-descriptor.ts'
import { createRepair } from './repair.ts'
import { createReplicas } from './replicas.ts'

/**
 * `start` resolves when this host serves; its work, its onions' descriptors and joining go on behind. `stop` also stops the
 * mesh, and leaves network, boxes and store to the caller.
 */
export function createHostNode(deps: HostNodeDeps): HostNode {
  const { clock, logger, boxes, parameters, mesh, keys } = deps
  const tasks = createTaskGroup(deps.onFailure)
  const { signal, own } = tasks
  const counts = createHostCounts()
  const steady = createSteadyTime(clock)
  const known = createKnownHosts(deps)
  const identity = createOwnDescriptor(deps, known)
  const calls = createHostCalls(deps, known, identity)
  const service = createBoxService({ clock, logger, boxes, hostSeed: keys.hostSeed, counts })
  const replicas = createReplicas(logger, known, calls, service)
  const hostCount = (): number => known.table().size
  const intermediate = createIntermediate({ clock, parameters, identity, replicas, hostCount, signal, own })
  const discovery = createDiscovery({ ...deps, known, calls, self: identity.self, own })
  const repair = createRepair({ ...deps, known, calls, counts })
  const server = createMeshServer({
    clock,
    answerBucketMs: parameters.answerBucketMs,
    known,
    service,
    intermediate,
    counts,
    onAnnounced: (descriptor, from) => discovery.onAnnounced(descriptor, from, signal),
    signal,
  })

  /** To the intermediate that a client chose, by way of the mesh or in this process. */
  const relay = async ({ route, sealed }: RoutedRequest): Promise<Uint8Array | undefined> => {
    const host = known.table().byRoute(route)
    if (host === undefined) return undefined
    return known.isSelf(host) ? server.relay(sealed) : calls.relay(host, sealed, signal)
  }
  const courier = createCourier({ ...deps, known, relay })

  let startedAtMs = 0
  let onionsPublished = 0
  let hasStarted = false

  /** Repeats `body`; what fails in a foreseen way is tried again with the next round. */
  const every = async (intervalMs: number, event: string, body: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        await body()
      } catch (error: unknown) {
        signal.throwIfAborted()
        if (!isForeseen(error)) throw error
        logger.warn(event, {}, error)
      }
      await clock.sleep(intervalMs, signal)
    }
  }

  const renew = async (): Promise<void> => {
    const former = identity.self()
    const record = await identity.renew(signal)
    if (record === undefined) return
    // With another id this host is nearest to other boxes.
    if (former !== undefined && hexEncode(former.hostId) !== hexEncode(record.hostId)) repair.soon()
    own(discovery.announce(record, signal))
  }

  const sweep = async (): Promise<void> => {
    if (known.sweep()) repair.soon()
    for (let more = true; more; ) {
      const step = await boxes.expire(steady.nowMs())
      counts.expired += step.dropped
      more = step.more && !signal.aborted
    }
  }

  const notePublished = async (published: Promise<void>): Promise<void> => {
    await published
    onionsPublished += 1
  }

  const stats = (): HostStats => {
    const { boxes: boxCount, usedBytes, quotaBytes, tombstones } = boxes.stats()
    const table = known.table()
    return {
      entry: hostEntryOf(keys),
      published: onionsPublished === 2 && identity.self() !== undefined,
      startedAtMs,
      boxes: boxCount,
      boxBytes: usedBytes,
      quotaBytes,
      tombstones,
      hosts: table.size,
      tableRoot: hexEncode(table.root()),
      courierSessions: courier.sessionCount(),
      ...counts,
    }
  }

  return {
    async start() {
      startedAtMs = clock.nowMs()
      hasStarted = true
      await known.load()
      await discovery.load()
      await identity.prepare()
      mesh.serve(server.serve)
      await mesh.start()
      await courier.start()
      own(notePublished(mesh.published(signal)))
      own(notePublished(courier.published(signal)))
      own(every(SWEEP_INTERVAL_MS, 'host descriptor not renewed', renew))
      own(every(SWEEP_INTERVAL_MS, 'expiry failed', sweep))
      own(every(TABLE_SAVE_INTERVAL_MS, 'host table not saved', known.save))
      own(discovery.runJoin(signal))
      own(discovery.runGossip(signal))
      own(discovery.runCrawl(signal))
      own(repair.run(signal))
    },
    async stop() {
      const stopped = tasks.stop()
      await courier.stop()
      await mesh.stop()
      await stopped
      if (!hasStarted) return
      hasStarted = false
      try {
        await known.save()
      } catch (error: unknown) {
        if (!isForeseen(error)) throw error
        logger.warn('host table not saved', {}, error)
      }
    },
    stats,
    addHosts: (entries) => discovery.addEntries(entries),
  }
}
