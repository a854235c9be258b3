/**
 * Messengers with the mailbox client that ships, on hosts in memory, whose network knows on whose behalf it is touched.
 * Never tells a call from what it left behind: whatever a call awaits, starts or schedules is the call's, and so is whatever
 * else moves while time stands still after it: a loop that waited, and that the call has woken.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createMailboxClient,
  type MailboxClient,
  type MailboxOwner,
  type MailboxParameters,
} from '../../src/mailbox/index.ts'
import { type Messenger, openMessenger, SESSION_FUNCTIONS, type SessionFunctions } from '../../src/messenger/index.ts'
import { createTrafficMeter } from '../../src/padding/index.ts'
import type { Clock, HostMesh, RecordLink, RecordListener, RecordNetwork } from '../../src/ports/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import type { HostEntry } from '../../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS } from './mailbox-client-world.ts'
import { createHostWorld, type HostWorld } from './mailbox-world.ts'
import { createMemoryFiles, type MemoryFiles } from './memory-files.ts'
import { createSeededRandom } from './seeded-random.ts'
import { silentLogger } from './silent-logger.ts'

/** What touched the network, by the name of the call that it belongs to. */
interface Guard {
  readonly touched: string[]
  /** Touches of the network by nobody's call: that there are any shows that the guard is in place. */
  free: number
  /** Sleeps that began in nobody's name: the loops whose waking is looked for. */
  freeSleeps: number
  /** Runs `body` in the name of `call`. */
  run<T>(call: string, body: () => T): T
  /** The same network, watched. */
  network(network: RecordNetwork): RecordNetwork
  mesh(mesh: HostMesh): HostMesh
  /** The same clock, watched: a loop that was woken sleeps again, whether or not it sends before. */
  clock(clock: Clock): Clock
  /** Looks from here on until time goes on for what this call sets going. */
  watch(call: string): void
}

function createGuard(monotonicMs: () => number): Guard {
  const calls = new AsyncLocalStorage<string>()
  let watched: { readonly call: string; readonly atMs: number } | undefined
  /** The call to whose account it goes that something moves which is nobody's. */
  const waker = (): string | undefined => (watched?.atMs === monotonicMs() ? watched.call : undefined)
  const guard: Guard = {
    touched: [],
    free: 0,
    freeSleeps: 0,
    run: (call, body) => calls.run(call, body),
    watch(call) {
      watched = { call, atMs: monotonicMs() }
    },
    clock(clock) {
      return {
        nowMs: () => clock.nowMs(),
        monotonicMs: () => clock.monotonicMs(),
        sleep(delayMs, signal) {
          if (calls.getStore() === undefined) {
            guard.freeSleeps += 1
            const call = waker()
            if (call !== undefined) guard.touched.push(`${call}: wakes a loop`)
          }
          return clock.sleep(delayMs, signal)
        },
      }
    },
    network(network) {
      return {
        async listen(options) {
          note('listen')
          const listener = await network.listen({ ...options, onLink: (link) => options.onLink(watchLink(link)) })
          return watchListener(listener)
        },
        async dial(options) {
          note('dial')
          return watchLink(await network.dial(options))
        },
        stop: () => network.stop(),
      }
    },
    mesh(mesh) {
      const watched =
        <Args extends readonly unknown[], Result>(name: string, method: (...args: Args) => Result) =>
        (...args: Args): Result => {
          note(`mesh ${name}`)
          return method(...args)
        }
      return {
        ...mesh,
        request: watched('request', mesh.request),
        putRecord: watched('putRecord', mesh.putRecord),
        getRecord: watched('getRecord', mesh.getRecord),
        crawl: watched('crawl', mesh.crawl),
      }
    },
  }
  const note = (what: string): void => {
    const call = calls.getStore()
    if (call !== undefined) {
      guard.touched.push(`${call}: ${what}`)
      return
    }
    guard.free += 1
    const by = waker()
    if (by !== undefined) guard.touched.push(`${by}: wakes ${what}`)
  }
  const watchLink = (link: RecordLink): RecordLink => ({
    ...link,
    send(record) {
      note('send')
      return link.send(record)
    },
    close() {
      note('close')
      return link.close()
    },
  })
  const watchListener = (listener: RecordListener): RecordListener => ({
    ...listener,
    close() {
      note('close of a listener')
      return listener.close()
    },
  })
  return guard
}

/** What a mutant gets into its hands: nothing that the real one has not. */
interface Seams {
  readonly network: RecordNetwork
  readonly links: () => readonly RecordLink[]
  readonly clock: Clock
}

export interface Mutation {
  readonly session?: (seams: Seams) => SessionFunctions
  readonly mailbox?: (client: MailboxClient, seams: Seams) => MailboxClient
}

export interface GuardedMember {
  readonly messenger: Messenger
  readonly files: MemoryFiles
}

export interface GuardedWorld {
  readonly guard: Guard
  readonly hostWorld: HostWorld
  readonly failures: unknown[]
  /** Another messenger, which knows these hosts. */
  join(hosts: readonly HostEntry[], mutation?: Mutation): Promise<GuardedMember>
  stop(): Promise<void>
}

export async function createGuardedWorld(parameters: Partial<MailboxParameters>): Promise<GuardedWorld> {
  const hostWorld = await createHostWorld({ hosts: 3, parameters })
  const guard = createGuard(() => hostWorld.clock.monotonicMs())
  const failures: unknown[] = []
  const stops: (() => Promise<void>)[] = []
  return {
    guard,
    hostWorld,
    failures,
    async join(hosts, mutation = {}) {
      const seed = 1_000 * (1 + stops.length)
      const clock = guard.clock(hostWorld.clock)
      const inner = guard.network(hostWorld.recordHub.createNetwork())
      const links = new Set<RecordLink>()
      const network: RecordNetwork = {
        ...inner,
        async dial(options) {
          const link = await inner.dial(options)
          links.add(link)
          void link.closed.then(() => links.delete(link))
          return link
        },
      }
      const seams: Seams = { network, links: () => [...links], clock }
      const store = createMemoryStore()
      const files = createMemoryFiles()
      const onFailure = (error: unknown): void => void failures.push(error)
      const createMailbox = async (owner: MailboxOwner): Promise<MailboxClient> => {
        const client = createMailboxClient({
          clock,
          random: createSeededRandom(seed + 1),
          logger: silentLogger,
          network,
          store,
          parameters: hostWorld.parameters,
          owner,
          functions: CLIENT_WORLD_FUNCTIONS,
          onFailure,
        })
        await client.addHosts(hosts)
        return mutation.mailbox?.(client, seams) ?? client
      }
      const messenger = await openMessenger({
        clock,
        random: createSeededRandom(seed + 2),
        logger: silentLogger,
        store,
        files,
        tor: {
          status: () => ({
            stage: 'ready',
            bootstrapPercent: 100,
            bootstrapTag: 'done',
            mode: 'attached',
            version: undefined,
            lastError: undefined,
            warnings: [],
          }),
        },
        network,
        session: mutation.session?.(seams) ?? SESSION_FUNCTIONS,
        traffic: createTrafficMeter(),
        mailbox: hostWorld.parameters,
        createMailbox,
        onFailure,
      })
      await messenger.start()
      stops.push(async () => {
        await hostWorld.run(messenger.stop())
        await network.stop()
      })
      return { messenger, files }
    },
    async stop() {
      for (const stop of stops) await stop()
      await hostWorld.stop()
    },
  }
}

/** The messenger with each of its methods run in its own name; `called` counts those that were fulfilled. */
export function guardCalls(messenger: Messenger, guard: Guard, called: Map<string, number>): Messenger {
  const count = (name: string): void => void called.set(name, (called.get(name) ?? 0) + 1)
  return new Proxy(messenger, {
    get(target, property, receiver) {
      const member: unknown = Reflect.get(target, property, receiver)
      if (typeof member !== 'function' || typeof property !== 'string') return member
      return (...args: readonly unknown[]): unknown => {
        guard.watch(property)
        const result: unknown = guard.run(property, (): unknown => Reflect.apply(member, target, args))
        if (result instanceof Promise)
          void result.then(
            () => count(property),
            () => undefined,
          )
        else count(property)
        return result
      }
    },
  })
}
