/**
 * Keeps one contact's lane open on its own clock: dials or listens, window after window.
 * Never looks at what waits to be sent when it decides when to dial, listen or close. DESIGN §6, spec 10-messenger §7.
 * @module
 */
import { attempt, createTaskGroup, isForeseen, withDeadline } from '../base/index.ts'
import { deriveLaneKeys } from '../identity/index.ts'
import { nextReconnectDelayMs } from '../padding/index.ts'
import type { RecordLink, RecordListener, RecordNetwork } from '../ports/index.ts'
import { LANE_RECORD_BYTES } from '../wire/index.ts'
import { createAdmission, type LaneLinkDeps, type LaneLinkOptions, runLaneLink } from './lane-link.ts'
import { createLaneWindows, windowEndMs, windowsToDial } from './lane-windows.ts'
import { CLOCK_CHECK_INTERVAL_MS, DIAL_TIMEOUT_MS, LANE_WINDOW_OVERLAP_MS } from './options.ts'

const LANE_PROTOCOL = '/noctule/lane/1'

export interface LaneRunnerDeps extends LaneLinkDeps {
  readonly network: RecordNetwork
}

export interface LaneRunnerOptions extends Pick<LaneLinkOptions, 'nextRecord' | 'onRecord'> {
  /** The inviter listens, the one who accepted the invite dials. */
  readonly role: 'listener' | 'dialer'
  readonly laneSecret: Uint8Array
  /** A token that no other lane shares; it goes into the SOCKS isolation. */
  readonly isolation: string
  /** Wall-clock time at which the lane ends by itself; infinite for one without an end. Asked again and again. */
  readonly endsAtMs: () => number
  /** Called when a link came up, before its first slot. */
  readonly onOpen: () => Promise<void>
  /** The lane has run out. */
  readonly onEnded: () => void
  /** A bug: the lane cannot go on. */
  readonly onFailure: (error: unknown) => void
}

export interface LaneRunner {
  start(): void
  isOpen(): boolean
  /**
   * Lets the lane run out at the end of the latest window that is open: a contact that was blocked or removed sees
   * nothing happen at the moment it did. Until then the caller hands out cover only. Idempotent.
   */
  retire(): void
  /** Takes {@link retire} back. False when the lane has run out and a new one is needed. */
  resume(): boolean
  /** Ends all of the lane at once; used when the daemon stops. */
  stop(): Promise<void>
}

interface OpenLink {
  readonly link: RecordLink
  readonly window: number
}

export function createLaneRunner(deps: LaneRunnerDeps, options: LaneRunnerOptions): LaneRunner {
  const tasks = createTaskGroup(options.onFailure)
  const { signal } = tasks
  const { clock } = deps
  const windows = createLaneWindows(deps.random)
  const admit = createAdmission(clock)
  const listeners = new Map<number, RecordListener>()
  let current: OpenLink | undefined
  /** Set while the lane is retired: opens nothing new, and ends then. */
  let retiredUntilMs: number | undefined
  let hasEnded = false
  const endsAtMs = (): number => Math.min(options.endsAtMs(), retiredUntilMs ?? Number.POSITIVE_INFINITY)
  const isOver = (): boolean => clock.nowMs() >= endsAtMs()

  /** Runs one link to its end. A newer link of the same lane takes the place of an older one, which is dead by then. */
  const runLink = async (open: OpenLink): Promise<boolean> => {
    const { link } = open
    const previous = current
    try {
      // It was on its way when the lane ended: nobody would close it any more.
      if (signal.aborted || hasEnded) return false
      current = open
      await previous?.link.close()
      await options.onOpen()
      const { nextRecord, onRecord } = options
      return await runLaneLink(deps, link, { nextRecord, onRecord, admit, signal })
    } finally {
      await link.close()
      if (current === open) current = undefined
    }
  }

  const dialOnce = async (window: number): Promise<RecordLink | undefined> => {
    const keys = deriveLaneKeys(options.laneSecret, window)
    try {
      return await withDeadline(clock, DIAL_TIMEOUT_MS, signal, (deadline) =>
        deps.network.dial({
          protocol: LANE_PROTOCOL,
          recordBytes: LANE_RECORD_BYTES,
          localSeed: keys.dialerSeed,
          remoteSeed: keys.listenerSeed,
          address: keys.address,
          clientPrivateKey: keys.clientAuth.privateKey,
          isolation: `lane:${options.isolation}:${window}`,
          signal: deadline,
        }),
      )
    } catch (error: unknown) {
      signal.throwIfAborted()
      if (!isForeseen(error)) throw error
      deps.logger.debug('lane dial failed', {}, error)
      return undefined
    }
  }

  const runDialer = async (): Promise<void> => {
    for (let failures = 0; ; ) {
      await clock.sleep(nextReconnectDelayMs(failures, deps.random), signal)
      if (hasEnded || isOver()) return
      const candidates = windowsToDial(clock.nowMs())
      const window = candidates[failures % candidates.length] ?? 0
      const link = await dialOnce(window)
      let hasReceived = false
      if (link !== undefined) {
        await attempt(deps.logger, 'lane link failed', async () => {
          hasReceived = await runLink({ link, window })
        })
      }
      // A link that brought nothing counts as a failure: whoever hangs up at once must not make us dial all day.
      failures = hasReceived ? 0 : failures + 1
    }
  }

  const listen = (window: number): Promise<RecordListener> => {
    const keys = deriveLaneKeys(options.laneSecret, window)
    const onLink = async (link: RecordLink): Promise<void> => {
      await attempt(deps.logger, 'lane link failed', async () => {
        await runLink({ link, window })
      })
    }
    return deps.network.listen({
      protocol: LANE_PROTOCOL,
      recordBytes: LANE_RECORD_BYTES,
      localSeed: keys.listenerSeed,
      remoteSeed: keys.dialerSeed,
      onionSecretKey: keys.onion.secretKey,
      authorizedClients: [keys.clientAuth.publicKey],
      onLink: (link) => tasks.own(onLink(link)),
    })
  }

  /** Opens and closes services as the windows want it; false when one could not be opened. */
  const tendListeners = async (nowMs: number): Promise<boolean> => {
    const wanted = windows.openAt(nowMs)
    for (const [window, listener] of listeners) {
      if (wanted.includes(window)) continue
      listeners.delete(window)
      await listener.close()
    }
    if (retiredUntilMs !== undefined) return true
    let isListening = true
    for (const window of wanted) {
      if (listeners.has(window)) continue
      const isOpen = await attempt(deps.logger, 'lane listen failed', async () => {
        listeners.set(window, await listen(window))
      })
      isListening &&= isOpen
    }
    return isListening
  }

  /** Looks at the wall clock often enough that a jump or a suspended machine is noticed soon. */
  const watchWindows = async (): Promise<void> => {
    try {
      for (let failures = 0; !isOver(); ) {
        const nowMs = clock.nowMs()
        const isListening = options.role === 'dialer' || (await tendListeners(nowMs))
        failures = isListening ? 0 : failures + 1
        if (current !== undefined && nowMs >= windowEndMs(current.window) + LANE_WINDOW_OVERLAP_MS) {
          await current.link.close()
        }
        const untilChangeMs = Math.min(windows.nextChangeMs(nowMs), endsAtMs()) - clock.nowMs()
        const pauseMs = isListening ? untilChangeMs : nextReconnectDelayMs(failures, deps.random)
        await clock.sleep(Math.min(CLOCK_CHECK_INTERVAL_MS, Math.max(0, pauseMs)), signal)
      }
    } finally {
      hasEnded = true
      await closeAll()
    }
    options.onEnded()
  }

  const closeAll = async (): Promise<void> => {
    const open = [...listeners.values()]
    listeners.clear()
    await Promise.all(open.map((listener) => listener.close()))
    await current?.link.close()
  }

  return {
    start() {
      tasks.own(watchWindows())
      if (options.role === 'dialer') tasks.own(runDialer())
    },
    isOpen: () => current !== undefined,
    retire() {
      if (retiredUntilMs !== undefined) return
      const nowMs = clock.nowMs()
      const open = [...listeners.keys(), ...(current === undefined ? [] : [current.window])]
      const latest = open.length > 0 ? Math.max(...open) : (windowsToDial(nowMs)[0] ?? 0)
      retiredUntilMs = Math.max(nowMs, windowEndMs(latest))
    },
    resume() {
      if (hasEnded || isOver()) return false
      retiredUntilMs = undefined
      return true
    },
    async stop() {
      const stopped = tasks.stop()
      await current?.link.close()
      await stopped
    },
  }
}
