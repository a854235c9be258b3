/**
 * The host in its role as the one peer that a client talks to: an onion that everybody may read, and its sessions.
 * Never more sessions than a bound, and never two at once for one proof of work. Spec 03-mailbox §4.1, §4.5.
 * @module
 */
import { createMutex, createTaskGroup, hexEncode, isForeseen } from '../../base/index.ts'
import { deriveOnionKey } from '../../crypto/index.ts'
import type { Clock, Logger, Random, RecordLink, RecordListener, RecordNetwork } from '../../ports/index.ts'
import { COURIER_RECORD_BYTES, type RoutedRequest, TABLE_PAGE_COUNT, type TablePage } from '../../wire/index.ts'
import type { MailboxParameters } from '../options.ts'
import { HOST_FUNCTIONS, type HostFunctions } from './context.ts'
import { runCourierSession } from './courier-session.ts'
import type { HostKeys } from './host-keys.ts'
import type { KnownHosts } from './known-hosts.ts'
import {
  BUDGETS_MAX_COUNT,
  COURIER_PROTOCOL,
  NEWCOMERS_MAX_COUNT,
  SESSION_BURST_COUNT,
  SESSIONS_MAX_COUNT,
} from './options.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

export interface CourierDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly network: RecordNetwork
  readonly parameters: MailboxParameters
  readonly keys: HostKeys
  readonly known: KnownHosts
  readonly relay: (request: RoutedRequest, signal: AbortSignal) => Promise<Uint8Array | undefined>
  /** Default: `HOST_FUNCTIONS`. */
  readonly functions?: HostFunctions | undefined
  readonly onFailure: (error: unknown) => void
}

export interface Courier {
  /** Puts the onion service up. @throws {AppError} the network's codes */
  start(): Promise<void>
  /** Resolves when the onion service has reached its directories. To be called after `start`. */
  published(signal: AbortSignal): Promise<void>
  /** Sessions that said hello. */
  sessionCount(): number
  stop(): Promise<void>
}

export function createCourier(deps: CourierDeps): Courier {
  const { clock, logger, parameters, keys, known } = deps
  const { verifySessionWork } = deps.functions ?? HOST_FUNCTIONS
  const tasks = createTaskGroup(deps.onFailure)
  const { signal } = tasks
  const sessions = new Map<string, RecordLink>()
  /** Links that have not proved any work, oldest first. */
  const newcomers = new Set<RecordLink>()
  /** One proof of work is checked at a time: a flood of them must not keep the box store's reads waiting. */
  const workChecks = createMutex()
  const forwarding = { count: 0 }
  const budgets = new Map<string, TokenBucket>()
  let listener: RecordListener | undefined

  /** One for each client key, links come and go. */
  const budgetOf = (name: string): TokenBucket => {
    const interval = parameters.courierRecordIntervalMs
    const budget = budgets.get(name) ?? createTokenBucket(SESSION_BURST_COUNT, interval, clock.monotonicMs())
    budgets.delete(name)
    budgets.set(name, budget)
    const oldest = budgets.keys().next().value
    if (budgets.size > BUDGETS_MAX_COUNT && oldest !== undefined) budgets.delete(oldest)
    return budget
  }

  const tablePage = (cursor: Uint8Array): TablePage => {
    const table = known.table()
    const descriptors = table.page(cursor, TABLE_PAGE_COUNT).map(({ bytes }) => bytes)
    return { root: table.root(), hostCount: table.size, descriptors }
  }

  const admit = async (link: RecordLink, name: string, period: number, nonce: number): Promise<boolean> => {
    const context = {
      hostKey: keys.hostKey,
      clientKey: link.remoteKey,
      epochMs: parameters.epochMs,
      bits: parameters.sessionWorkBits,
    }
    const isWork = await workChecks.run(() => verifySessionWork(context, { period, nonce }, clock.nowMs()))
    if (!isWork) return false
    newcomers.delete(link)
    // One proof of work is one session: a client that comes back has lost its old link.
    const former = sessions.get(name)
    sessions.set(name, link)
    await former?.close()
    return sessions.size <= SESSIONS_MAX_COUNT
  }

  /** A session lives as long as its client's epoch, with the overlap at both ends. */
  const endWithEpoch = async (link: RecordLink): Promise<void> => {
    const ended = new AbortController()
    void link.closed.then(() => ended.abort())
    const lifeMs = parameters.epochMs + 2 * parameters.epochOverlapMs
    await clock.sleep(lifeMs, AbortSignal.any([ended.signal, signal])).catch(() => undefined)
    await link.close()
  }

  const serve = async (link: RecordLink): Promise<void> => {
    const name = hexEncode(link.remoteKey)
    newcomers.add(link)
    const [oldest] = newcomers
    // Who has nothing to show makes room for who may have: links cost nothing, and an honest client says hello at once.
    if (newcomers.size > NEWCOMERS_MAX_COUNT && oldest !== undefined) {
      newcomers.delete(oldest)
      tasks.own(oldest.close())
    }
    tasks.own(endWithEpoch(link))
    try {
      await runCourierSession(
        {
          clock,
          random: deps.random,
          parameters,
          relay: (request) => deps.relay(request, signal),
          tablePage,
          own: tasks.own,
          forwarding,
          signal,
        },
        link,
        {
          admit: ({ period, workNonce }) => admit(link, name, period, workNonce),
          budget: budgetOf(name),
        },
      )
    } catch (error: unknown) {
      signal.throwIfAborted()
      if (!isForeseen(error)) throw error
      logger.debug('courier session failed', {}, error)
    } finally {
      newcomers.delete(link)
      await link.close()
      if (sessions.get(name) === link) sessions.delete(name)
    }
  }

  return {
    async start() {
      listener = await deps.network.listen({
        protocol: COURIER_PROTOCOL,
        recordBytes: COURIER_RECORD_BYTES,
        localSeed: keys.hostSeed,
        remoteSeed: undefined,
        onionSecretKey: deriveOnionKey(keys.courierOnionSeed).secretKey,
        authorizedClients: [],
        linksMaxCount: SESSIONS_MAX_COUNT + NEWCOMERS_MAX_COUNT + 1,
        proofOfWork: true,
        onLink: (link) => tasks.own(serve(link)),
      })
    },
    async published(published) {
      await listener?.published(published)
    },
    sessionCount: () => sessions.size,
    async stop() {
      const stopped = tasks.stop()
      await listener?.close()
      await stopped
    },
  }
}
