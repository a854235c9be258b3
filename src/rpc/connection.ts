/**
 * One client: its lines, its replies and its subscriptions.
 * Never reads further for a client that does not take what was written to it. Spec 08-rpc §2, §6.
 * @module
 */
import type { Socket } from 'node:net'
import type { Messenger } from '../messenger/index.ts'
import type { Logger } from '../ports/index.ts'
import type { Dispatcher } from './dispatcher.ts'
import { createDispatcher, errorReply } from './dispatcher.ts'
import { toRpcError } from './error-map.ts'
import { rpcError } from './errors.ts'
import type { FramedLine } from './line-framer.ts'
import { createLineFramer } from './line-framer.ts'
import type { HostFace, ServerFace, SubscriptionFace } from './method.ts'
import type { RpcLimits } from './options.ts'
import type { Subscription } from './subscription.ts'
import { createSubscription } from './subscription.ts'

export interface Connection {
  /** Resolves when socket, requests and subscriptions have ended. */
  readonly closed: Promise<void>
  /** Bytes written for this client which it has not taken yet. */
  bufferedBytes(): number
  subscriptionCount(): number
  /** Takes no further requests, ends subscriptions, lets running requests answer, then hangs up. */
  finish(): void
  /** Hangs up at once. */
  destroy(): void
}

export interface ConnectionDeps {
  readonly socket: Socket
  readonly messenger: Messenger
  readonly host: HostFace | undefined
  readonly server: ServerFace
  readonly logger: Logger
  readonly limits: RpcLimits
  /** Runs once everything that was written before is with the operating system, or the client has gone. */
  readonly onFlushed: () => void
}

export function createConnection(deps: ConnectionDeps): Connection {
  const { socket, messenger, host, server, logger, limits } = deps
  const subscriptions = new Map<number, Subscription>()
  const running = new Set<Promise<void>>()
  const waiters = new Set<() => void>()
  let nextSubscription = 1
  let finishing = false
  let inFlight = 0

  const wakeAll = (): void => {
    for (const waiter of [...waiters]) waiter()
  }
  /** Resolves when `condition` holds; looked at whenever a line has left, a request has ended or the socket has closed. */
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          waiters.delete(waiter)
          resolve()
        }
        waiters.add(waiter)
      })
    }
  }
  const write = (line: string, flushed?: () => void): void => {
    if (!socket.writable) {
      flushed?.()
      return
    }
    // Called when the operating system took the line, and when it never will.
    socket.write(`${line}\n`, () => {
      flushed?.()
      wakeAll()
    })
  }
  const hasRoom = (): boolean => socket.destroyed || socket.writableLength <= limits.outboundBytes

  /** What one line asked for that must not begin before its reply is out, whatever other lines are answered meanwhile. */
  interface Afterwards {
    readonly opened: Subscription[]
    shutdownAsked: boolean
  }

  const faceFor = (afterwards: Afterwards): SubscriptionFace => ({
    open(after) {
      if (subscriptions.size >= limits.subscriptionCount) throw rpcError('RPC_TOO_MANY_SUBSCRIPTIONS')
      const subscription = nextSubscription
      nextSubscription += 1
      const created = createSubscription(
        { messenger, write, writable: () => until(hasRoom) },
        { subscription, after, eventsPerReadCount: limits.eventsPerReadCount },
      )
      subscriptions.set(subscription, created)
      afterwards.opened.push(created)
      return subscription
    },
    close(subscription) {
      const found = subscriptions.get(subscription)
      found?.close()
      return subscriptions.delete(subscription)
    },
  })
  const dispatcherFor = (afterwards: Afterwards): Dispatcher => {
    const requestShutdown = (): void => {
      afterwards.shutdownAsked = true
    }
    const context = { messenger, host, server: { ...server, requestShutdown }, subscriptions: faceFor(afterwards) }
    return createDispatcher({ context, logger, limits })
  }

  const own = (task: Promise<void>): void => {
    const owned = task.finally(() => running.delete(owned))
    running.add(owned)
  }
  async function stream(subscription: Subscription): Promise<void> {
    try {
      if (finishing) subscription.close()
      await subscription.run()
    } catch (error: unknown) {
      // A stream that silently stays behind would look like "nothing happened": the client must notice and come back.
      logger.warn('subscription-failed', {}, error)
      socket.destroy()
    }
  }

  async function answer(line: FramedLine): Promise<void> {
    const afterwards: Afterwards = { opened: [], shutdownAsked: false }
    const reply =
      line.kind === 'line'
        ? await dispatcherFor(afterwards).answer(line.bytes)
        : errorReply(null, toRpcError(rpcError('RPC_LINE_TOO_LONG', { details: { maxBytes: limits.lineBytes } })))
    const flushed = afterwards.shutdownAsked ? deps.onFlushed : undefined
    if (reply === undefined) flushed?.()
    else write(reply, flushed)
    inFlight -= 1
    // After the reply, so that a subscriber knows its number before the first event comes.
    for (const subscription of afterwards.opened) own(stream(subscription))
    wakeAll()
  }

  async function read(): Promise<void> {
    const framer = createLineFramer(limits.lineBytes)
    try {
      for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        for (const line of framer.push(chunk)) {
          await until(() => finishing || socket.destroyed || (inFlight < limits.inFlightCount && hasRoom()))
          if (finishing || socket.destroyed) return
          inFlight += 1
          own(answer(line))
        }
      }
    } catch (error: unknown) {
      // The client went away in the middle of something; there is nobody left to tell.
      logger.debug('connection-lost', {}, error)
    }
  }

  async function endSubscriptions(): Promise<void> {
    for (const subscription of subscriptions.values()) subscription.close()
    subscriptions.clear()
    while (running.size > 0) await Promise.all(running)
  }

  const socketClosed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
      wakeAll()
    })
  })
  socket.on('error', (error) => logger.debug('connection-error', {}, error))

  let finished: Promise<void> | undefined
  const finish = (): Promise<void> => {
    finishing = true
    wakeAll()
    finished ??= endSubscriptions().then(() => {
      socket.end(() => socket.destroy())
    })
    return finished
  }
  const closed = (async () => {
    const reading = read()
    // A half-closed client still gets the replies to what it asked, but its subscriptions end: one that has vanished
    // altogether looks the same until something is written to it.
    await Promise.race([reading, socketClosed])
    // A request that outlives its client belongs to the messenger alone.
    await Promise.race([finish(), socketClosed])
    await socketClosed
    await reading
  })()

  return {
    closed,
    bufferedBytes: () => socket.writableLength,
    subscriptionCount: () => subscriptions.size,
    finish() {
      void finish()
    },
    destroy() {
      socket.destroy()
    },
  }
}
