/**
 * Requests to other hosts: which connection, how many at once, how long, and when to leave a dead host alone.
 * Never dials a host twice at once, nor again before its backoff is over. Spec 01a-transport §8.3.
 * @module
 */
import { hexEncode, isAppError, onAbort } from '../../base/index.ts'
import type { Clock, MeshPeer } from '../../ports/index.ts'
import { MESH_BODY_MAX_BYTES } from '../../wire/index.ts'
import { transportError } from '../errors.ts'
import { redactError } from '../redact-error.ts'
import { MESH_BACKOFF_MAX_FACTOR, MESH_BACKOFF_MIN_MS, MESH_OPERATION_MAX, MESH_REQUESTS_MAX_COUNT } from './options.ts'
import type { PeerBook } from './peer-book.ts'

/** A connection to one host, over which requests can be sent; from whichever side it was opened. */
export interface MeshLine {
  /**
   * The response; undefined when the other host refused.
   * @throws {AppError} `MESH_UNREACHABLE` when the line ends; the signal's reason
   */
  ask(operation: number, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
}

export interface RequesterDeps {
  readonly clock: Clock
  /** For a request from beginning to end, and for a dial. */
  readonly timeoutMs: number
  readonly book: PeerBook
  /** The open line to a host, if there is one. */
  readonly openLine: (hostKey: Uint8Array) => MeshLine | undefined
  readonly dial: (peer: MeshPeer, signal: AbortSignal) => Promise<MeshLine>
  /** Aborted when the mesh stops. */
  readonly stopping: AbortSignal
}

export interface Requester {
  /** As `HostMesh.request`. */
  request(hostKey: Uint8Array, operation: number, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** An open line, or a dial, with the backoff. @throws {AppError} `MESH_UNREACHABLE`, `MESH_UNKNOWN_PEER`; the signal's reason */
  connect(hostKey: Uint8Array, signal: AbortSignal): Promise<MeshLine>
  /** False while the backoff of a host lasts. */
  mayDial(hostKey: Uint8Array): boolean
  /** Somebody else's dial of this host failed: its backoff begins. */
  noteFailure(hostKey: Uint8Array): void
  /** The host has shown that it lives, or it moved: it may be dialled at once. */
  forgive(hostKey: Uint8Array): void
  /** Resolves when no dial is under way; for after the stop. */
  idle(): Promise<void>
}

/** What is kept of a host while something is under way with it or its backoff lasts. */
interface HostState {
  active: number
  readonly waiting: Set<() => void>
  dialing: Promise<MeshLine> | undefined
  failures: number
  retryAtMs: number
}

type Phase = 'waiting' | 'dialing' | 'asking'

export function createRequester(deps: RequesterDeps): Requester {
  const { clock, timeoutMs, book, stopping } = deps
  const hosts = new Map<string, HostState>()

  const stateOf = (name: string): HostState => {
    let state = hosts.get(name)
    if (state === undefined) {
      state = { active: 0, waiting: new Set(), dialing: undefined, failures: 0, retryAtMs: 0 }
      hosts.set(name, state)
    }
    return state
  }
  const forgetIdle = (name: string): void => {
    const state = hosts.get(name)
    if (state?.active === 0 && state.dialing === undefined && state.failures === 0) hosts.delete(name)
  }

  const enter = async (state: HostState, signal: AbortSignal): Promise<void> => {
    while (state.active >= MESH_REQUESTS_MAX_COUNT) {
      const turn = Promise.withResolvers<void>()
      state.waiting.add(turn.resolve)
      try {
        await untilAborted(turn.promise, signal)
      } finally {
        state.waiting.delete(turn.resolve)
      }
    }
    state.active += 1
  }
  const leave = (state: HostState): void => {
    state.active -= 1
    const [next] = state.waiting
    if (next === undefined) return
    state.waiting.delete(next)
    next()
  }

  const fail = (state: HostState): void => {
    state.failures += 1
    const backoffMs = MESH_BACKOFF_MIN_MS * 2 ** Math.min(state.failures - 1, 10)
    state.retryAtMs = clock.monotonicMs() + Math.min(backoffMs, MESH_BACKOFF_MAX_FACTOR * timeoutMs)
  }
  const isResting = (state: HostState | undefined): boolean =>
    state !== undefined && state.failures > 0 && clock.monotonicMs() < state.retryAtMs

  const dial = async (name: string, state: HostState, peer: MeshPeer): Promise<MeshLine> => {
    const done = new AbortController()
    const deadline = startDeadline(clock, timeoutMs, done.signal)
    try {
      const line = await untilAborted(
        deps.dial(peer, AbortSignal.any([deadline, stopping])),
        AbortSignal.any([deadline, stopping]),
      )
      state.failures = 0
      return line
    } catch (error: unknown) {
      if (!isOurOwnFault(error)) fail(state)
      throw transportError('MESH_UNREACHABLE', { cause: redactError(error) })
    } finally {
      done.abort()
      state.dialing = undefined
      forgetIdle(name)
    }
  }
  const connect = async (hostKey: Uint8Array, signal: AbortSignal): Promise<MeshLine> => {
    const open = deps.openLine(hostKey)
    if (open !== undefined) return open
    const peer = book.get(hostKey)
    if (peer === undefined) throw transportError('MESH_UNKNOWN_PEER')
    const name = hexEncode(hostKey)
    const state = stateOf(name)
    if (state.dialing === undefined) {
      if (isResting(state)) throw transportError('MESH_UNREACHABLE')
      state.dialing = dial(name, state, peer)
      // Whoever waits may give up before it ends.
      state.dialing.catch(() => undefined)
    }
    return untilAborted(state.dialing, signal)
  }

  return {
    async request(hostKey, operation, requestBody, signal) {
      const body = Uint8Array.from(requestBody)
      if (body.length > MESH_BODY_MAX_BYTES) throw new RangeError('body of a mesh request is too long')
      if (!Number.isInteger(operation) || operation < 0 || operation > MESH_OPERATION_MAX) {
        throw new RangeError('operation of a mesh request is not a byte')
      }
      signal.throwIfAborted()
      if (stopping.aborted) throw transportError('TRANSPORT_STOPPED')
      const name = hexEncode(hostKey)
      const done = new AbortController()
      const deadline = startDeadline(clock, timeoutMs, done.signal)
      const either = AbortSignal.any([signal, deadline, stopping])
      let phase = 'waiting' as Phase
      const ask = async (): Promise<Uint8Array | undefined> => {
        const state = stateOf(name)
        await enter(state, either)
        try {
          phase = 'dialing'
          const line = await connect(hostKey, either)
          phase = 'asking'
          return await line.ask(operation, body, either)
        } finally {
          leave(state)
        }
      }
      try {
        const response = await ask()
        if (response === undefined) throw transportError('MESH_REFUSED')
        return response
      } catch (error: unknown) {
        if (signal.aborted) throw signal.reason
        if (stopping.aborted) throw transportError('TRANSPORT_STOPPED')
        if (deadline.aborted) throw transportError(phase === 'dialing' ? 'MESH_UNREACHABLE' : 'MESH_TIMED_OUT')
        throw isAppError(error) ? error : transportError('MESH_UNREACHABLE', { cause: redactError(error) })
      } finally {
        done.abort()
        forgetIdle(name)
      }
    },
    connect,
    mayDial(hostKey) {
      const state = hosts.get(hexEncode(hostKey))
      return state?.dialing !== undefined || !isResting(state)
    },
    noteFailure(hostKey) {
      // Kept for known hosts only, so that made-up ones take no memory; a dial of ours notes its failure itself.
      if (book.get(hostKey) === undefined) return
      const state = stateOf(hexEncode(hostKey))
      if (state.dialing === undefined) fail(state)
    },
    forgive(hostKey) {
      const name = hexEncode(hostKey)
      const state = hosts.get(name)
      if (state === undefined) return
      state.failures = 0
      forgetIdle(name)
    },
    async idle() {
      await Promise.allSettled([...hosts.values()].flatMap(({ dialing }) => dialing ?? []))
    },
  }
}

/** Why a request or a dial was given up: the mesh's own time limit, not the caller's. */
export const DEADLINE = new DOMException('deadline', 'TimeoutError')

/** True for what says nothing about the other host: our own tor is away. */
export function isOurOwnFault(error: unknown): boolean {
  return isAppError(error, 'TOR_NOT_READY') || isAppError(error, 'TOR_STOPPED')
}

/** A signal that aborts after `timeoutMs`, unless `done` comes first. */
export function startDeadline(clock: Clock, timeoutMs: number, done: AbortSignal): AbortSignal {
  const deadline = new AbortController()
  void clock.sleep(timeoutMs, done).then(
    () => deadline.abort(DEADLINE),
    () => undefined,
  )
  return deadline.signal
}

/** The task's outcome, or the signal's reason if that comes first. The task goes on by itself then. */
export async function untilAborted<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  task.catch(() => undefined)
  const takeBack = onAbort(signal, () => aborted.reject(signal.reason))
  try {
    return await Promise.race([task, aborted.promise])
  } finally {
    takeBack()
  }
}
