/**
 * The Tor port over a real tor: attached, or our own under supervision.
 * Never gives up: whatever is lost is looked for again with bounded, jittered pauses, and published again. Spec 07-tor.
 * @module
 */
import type { Duplex } from 'node:stream'
import { isAppError } from '../base/index.ts'
import type {
  Clock,
  ConnectOptions,
  Logger,
  LogWord,
  OnionAddress,
  OnionSecretKey,
  Random,
  TorProvider,
  TorStage,
  TorStatus,
} from '../ports/index.ts'
import { atMost, TAKE_BACK_MS } from './at-most.ts'
import type { Bootstrap } from './bootstrap.ts'
import { parseBootstrap } from './bootstrap.ts'
import { makePrivateDirectory } from './child/index.ts'
import type { ControlEvent } from './control/index.ts'
import { isControlLost } from './control/index.ts'
import { torError } from './errors.ts'
import { createOnionRegistry, openOnionListener } from './onions/index.ts'
import type { TorOptions } from './options.ts'
import { assertTorOptions } from './options.ts'
import type { TorSession } from './session.ts'
import { openTorSession } from './session.ts'
import { createIsolationNames, dialSocks } from './socks/index.ts'
import { createStatusBoard } from './status.ts'
import { askBootstrap, subscribe } from './subscription.ts'

export interface TorProviderDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** The address that belongs to an expanded key; curve arithmetic is not this folder's business. */
  readonly addressOf: (secretKey: OnionSecretKey) => OnionAddress
}

/** The Tor port, and the process id of our own tor for tests and diagnosis. */
export interface RealTorProvider extends TorProvider {
  /** Undefined when there is none at the moment. */
  childPid(): number | undefined
}

/** Between questions for the bootstrap state where events are forbidden. */
const BOOTSTRAP_POLL_MS = 1_000

/** @throws {AppError} `TOR_OPTION_INVALID`, `TOR_SOCKET_PATH_TOO_LONG` */
export function createTorProvider(deps: TorProviderDeps, options: TorOptions): RealTorProvider {
  assertTorOptions(options)
  const { clock, random } = deps
  const logger = deps.logger.child('tor')
  const board = createStatusBoard()
  const isolation = createIsolationNames(random.bytes(32))
  const stopping = new AbortController()
  const dials = new Set<AbortController>()
  const streams = new Set<Duplex>()
  let running: Promise<void> | undefined
  let session: TorSession | undefined
  let stopped: Promise<void> | undefined

  const registry = createOnionRegistry({
    clock,
    addressOf: deps.addressOf,
    publishSettleMs: options.publishSettleMs,
    refusedRetryMs: options.retryMs.longest,
    warn: board.warn,
    async openListener(kind, onSocket) {
      if (kind === 'unix') await makePrivateDirectory(options.socketDirectory)
      return openOnionListener({ ...options, kind, random, onSocket })
    },
  })

  /** Changes stage and what goes with it at once, so that nobody sees half of it. */
  const enter = (stage: TorStage, patch: Partial<TorStatus> = {}): void => {
    if (board.get().stage !== stage) logger.info('stage', { stage: stage as LogWord })
    board.set({ ...patch, stage })
  }

  const setBootstrap = ({ percent, tag }: Bootstrap): void =>
    enter(percent === 100 ? 'ready' : 'bootstrapping', { bootstrapPercent: percent, bootstrapTag: tag })

  const takeEvent = (event: ControlEvent): void => {
    if (event.name === 'STATUS_CLIENT') {
      const bootstrap = parseBootstrap(event.text)
      if (bootstrap !== undefined) setBootstrap(bootstrap)
    } else {
      registry.takeEvent(event)
    }
  }

  const followBootstrap = async (from: TorSession, statusEvents: boolean, signal: AbortSignal): Promise<void> => {
    for (;;) {
      const bootstrap = await askBootstrap(from.control)
      if (bootstrap === undefined) board.warn('TOR_BOOTSTRAP_UNKNOWN')
      setBootstrap(bootstrap ?? { percent: 100, tag: 'unknown' })
      if (statusEvents || bootstrap === undefined || bootstrap.percent === 100) return
      await clock.sleep(BOOTSTRAP_POLL_MS, signal)
    }
  }

  /** Uses one tor until it ends; returns why. */
  const serve = async (from: TorSession): Promise<unknown> => {
    const off = from.control.onEvent(takeEvent)
    const over = new AbortController()
    const ended = from.ended.then((reason) => {
      over.abort()
      return reason
    })
    try {
      session = from
      board.set({ mode: from.mode, version: from.version, warnings: [] })
      const { statusEvents, uploadEvents } = await subscribe(from.control, board.warn)
      const targetKind = options.onionTarget === 'auto' ? (from.mode === 'child' ? 'unix' : 'tcp') : options.onionTarget
      await registry.attach({ control: from.control, targetKind, uploadEvents })
      await followBootstrap(from, statusEvents, over.signal)
      return await ended
    } catch (error: unknown) {
      // The connection ended under a command: why, is known in a moment.
      if (over.signal.aborted || isControlLost(error)) return await ended
      throw error
    } finally {
      off()
      session = undefined
      registry.lose()
      await from.close()
    }
  }

  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    const opened = await openTorSession(options, clock, enter, signal)
    const onAbort = (): void => void opened.close()
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    let wasReady = false
    const off = board.onStatus((status) => {
      wasReady ||= status.stage === 'ready'
    })
    try {
      const reason = (await serve(opened)) ?? torError('TOR_CONTROL_CLOSED')
      if (!signal.aborted) report('lost', reason)
    } finally {
      off()
      signal.removeEventListener('abort', onAbort)
    }
    return wasReady
  }

  const report = (stage: TorStage, reason: unknown): void => {
    if (!isAppError(reason)) throw reason
    logger.warn('failed', { code: reason.code as LogWord }, reason)
    enter(stage, { mode: 'none', bootstrapPercent: 0, bootstrapTag: 'unknown', lastError: reason.code })
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    let failures = 0
    while (!signal.aborted) {
      try {
        failures = (await attempt(signal)) ? 0 : failures + 1
      } catch (error: unknown) {
        if (signal.aborted) return
        failures += 1
        report(isAppError(error, 'TOR_BINARY_MISSING') ? 'missing' : 'searching', error)
      }
      if (signal.aborted) return
      const { first, longest } = options.retryMs
      const pauseMs = Math.min(longest, first * 2 ** Math.min(failures, 20))
      // Down to one half: daemons that lost tor together do not come back together.
      await clock.sleep(pauseMs * (0.5 + random.uniform() / 2), signal).catch(() => undefined)
    }
  }

  const withdrawKeys = async (): Promise<void> => {
    if (session?.mode !== 'attached') return
    await atMost(clock, TAKE_BACK_MS, registry.withdrawKeys())
  }

  const stop = async (): Promise<void> => {
    await withdrawKeys()
    stopping.abort()
    for (const dial of dials) dial.abort(torError('TOR_STOPPED'))
    for (const stream of streams) stream.destroy()
    await running
    await registry.stop()
    board.stop()
  }

  return {
    async start() {
      if (stopped !== undefined) throw torError('TOR_STOPPED')
      running ??= run(stopping.signal)
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
    status: board.get,
    onStatus: board.onStatus,
    whenReady: board.whenReady,
    publishOnion: registry.publish,
    authorizeClient: registry.authorize,
    childPid: () => session?.pid,
    async connect(address: OnionAddress, port: number, connectOptions: ConnectOptions) {
      if (stopped !== undefined) throw torError('TOR_STOPPED')
      connectOptions.signal.throwIfAborted()
      const through = session
      if (through === undefined || board.get().stage !== 'ready') throw torError('TOR_NOT_READY')
      const token = connectOptions.isolation
      const name = isolation.of(token, address)
      const dial = new AbortController()
      const onAbort = (): void => dial.abort(connectOptions.signal.reason)
      connectOptions.signal.addEventListener('abort', onAbort, { once: true })
      dials.add(dial)
      try {
        const stream = await dialSocks(through.socks, address, port, {
          isolation: name,
          optimistic: connectOptions.optimistic === true,
          timeoutMs: options.dialTimeoutMs,
          signal: dial.signal,
          onUnanswered: () => isolation.leave(token, address, name),
        })
        if (stopping.signal.aborted) {
          stream.destroy()
          throw torError('TOR_STOPPED')
        }
        // It failed in the same turn, unheard.
        if (stream.errored !== null) throw stream.errored
        streams.add(stream)
        stream.once('close', () => streams.delete(stream))
        return stream
      } finally {
        dials.delete(dial)
        connectOptions.signal.removeEventListener('abort', onAbort)
      }
    },
  }
}
