/**
 * One onion service that is wanted: its listener, its place in tor, and who waits for its descriptor.
 * Never forgets a service because tor went away: it is added again to the next tor. Spec 07-tor §4.
 * @module
 */
import type { Socket } from 'node:net'
import type { Mutex } from '../../base/index.ts'
import { createMutex, InternalError, isAppError } from '../../base/index.ts'
import type { Clock, OnionAddress, OnionSecretKey, OnionServiceOptions } from '../../ports/index.ts'
import { atMost, TAKE_BACK_MS } from '../at-most.ts'
import type { ControlConnection } from '../control/index.ts'
import { parseKeyValues } from '../control/index.ts'
import { torError } from '../errors.ts'
import type { TorWarning } from '../warnings.ts'
import { addOnionCommand, deleteOnionCommand } from './commands.ts'
import type { OnionListener } from './listener.ts'
import type { UploadEvent, UploadTracker } from './upload-tracker.ts'
import { createUploadTracker } from './upload-tracker.ts'

/** What the record needs of the tor it is in. */
export interface OnionHost {
  readonly control: ControlConnection
  readonly targetKind: 'unix' | 'tcp'
  /** False when a filter hides the upload events; then a service counts as published when tor has taken it. */
  readonly uploadEvents: boolean
}

export interface OnionRecordDeps {
  readonly clock: Clock
  readonly publishSettleMs: number
  readonly openListener: (kind: 'unix' | 'tcp', onSocket: (socket: Socket) => void) => Promise<OnionListener>
  readonly warn: (warning: TorWarning) => void
}

export interface OnionRecord {
  readonly address: OnionAddress
  /** Adds the service to a tor. @throws {AppError} `TOR_FEATURE_REFUSED`, `TOR_COMMAND_REFUSED`, `TOR_CONTROL_*`, `TOR_LISTENER_FAILED` */
  add(host: OnionHost): Promise<void>
  /** The tor that had the service is gone. */
  lose(): void
  takeUpload(event: UploadEvent): void
  published(signal?: AbortSignal): Promise<void>
  /** Takes it down; waiters reject with `reason`. Idempotent, joined. */
  close(reason: 'TOR_ONION_CLOSED' | 'TOR_STOPPED'): Promise<void>
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** tor answers so while the connection that had the same key before is not gone yet. */
const STATUS_COLLISION = 550
const COLLISION_TRIES = 10
const COLLISION_PAUSE_MS = 300

export function createOnionRecord(
  address: OnionAddress,
  options: OnionServiceOptions,
  deps: OnionRecordDeps,
): OnionRecord {
  const secretKey = Uint8Array.from(options.secretKey) as OnionSecretKey
  const mutex: Mutex = createMutex()
  const waiters = new Set<Waiter>()
  let listener: OnionListener | undefined
  let host: OnionHost | undefined
  let tracker: UploadTracker = createUploadTracker()
  let isPublished = false
  let closed: 'TOR_ONION_CLOSED' | 'TOR_STOPPED' | undefined
  let settleTimer: AbortController | undefined

  const setPublished = (): void => {
    settleTimer?.abort()
    isPublished = true
    for (const waiter of waiters) waiter.resolve()
    waiters.clear()
  }

  const settleLater = (): void => {
    settleTimer?.abort()
    const timer = new AbortController()
    settleTimer = timer
    deps.clock.sleep(deps.publishSettleMs, timer.signal).then(
      () => {
        if (tracker.anyUploaded) setPublished()
      },
      // Aborted: there was newer word, or the service is gone.
      () => undefined,
    )
  }

  const lose = (): void => {
    settleTimer?.abort()
    host = undefined
    isPublished = false
    tracker = createUploadTracker()
  }

  const listen = async (kind: 'unix' | 'tcp'): Promise<OnionListener> => {
    if (listener?.kind === kind) return listener
    await listener?.close()
    listener = undefined
    listener = await deps.openListener(kind, (socket) => {
      if (closed === undefined) options.onStream(socket)
      else socket.destroy()
    })
    return listener
  }

  /** Sends ADD_ONION, and once more without what is optional when that was refused. */
  const sendAdd = async (control: ControlConnection, opened: OnionListener): Promise<void> => {
    let proofOfWork = options.proofOfWork === true
    for (let attempt = 1; ; attempt += 1) {
      const command = addOnionCommand({ ...options, secretKey, target: opened.target, proofOfWork })
      const reply = await control.request(command)
      if (reply.status === 250) {
        const serviceId = parseKeyValues(reply.lines[0]?.text ?? '')?.pairs.get('ServiceID')
        if (serviceId !== undefined && serviceId !== address) throw new InternalError('address and key do not match')
        return
      }
      if (reply.status === STATUS_COLLISION && attempt < COLLISION_TRIES) {
        await deps.clock.sleep(COLLISION_PAUSE_MS)
      } else if (proofOfWork && reply.status >= 510) {
        proofOfWork = false
        deps.warn('TOR_PROOF_OF_WORK_REFUSED')
      } else {
        const code = reply.status === 510 ? 'TOR_FEATURE_REFUSED' : 'TOR_COMMAND_REFUSED'
        throw torError(code, { details: { status: reply.status } })
      }
    }
  }

  const record: OnionRecord = {
    address,
    add: (next) =>
      mutex.run(async () => {
        if (closed !== undefined) return
        lose()
        const opened = await listen(next.targetKind)
        // Before the command: its first upload events come before its reply is handled.
        host = next
        try {
          await sendAdd(next.control, opened)
        } catch (error: unknown) {
          lose()
          throw error
        }
        if (!next.uploadEvents) setPublished()
      }),
    lose,
    takeUpload(event) {
      if (host === undefined || isPublished) return
      if (tracker.take(event)) setPublished()
      else settleLater()
    },
    published(signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason)
      if (closed !== undefined) return Promise.reject(torError(closed))
      if (isPublished) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const done = (): void => {
          waiters.delete(waiter)
          signal?.removeEventListener('abort', onAbort)
        }
        const onAbort = (): void => {
          done()
          reject(signal?.reason)
        }
        const waiter: Waiter = {
          resolve: () => {
            done()
            resolve()
          },
          reject: (error) => {
            done()
            reject(error)
          },
        }
        waiters.add(waiter)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    async close(reason) {
      const first = closed === undefined
      closed ??= reason
      await mutex.run(async () => {
        if (!first) return
        for (const waiter of [...waiters]) waiter.reject(torError(reason))
        const control = host?.control
        lose()
        // Commands keep their order, so a later service of the same key is added after this one is gone in any case.
        const takenDown = control === undefined ? undefined : atMost(deps.clock, TAKE_BACK_MS, takeDown(control))
        await Promise.all([takenDown, listener?.close()])
        secretKey.fill(0)
      })
    },
  }

  const takeDown = async (control: ControlConnection): Promise<void> => {
    try {
      await control.request(deleteOnionCommand(address))
    } catch (error: unknown) {
      // The connection is gone, and the service with it.
      if (!isAppError(error)) throw error
    }
  }
  return record
}
