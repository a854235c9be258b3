/**
 * Everything that tor must know again after each restart: onion services and client keys.
 * Never leaves a key with tor that nobody holds any more. Spec 07-tor §4.
 * @module
 */
import type { Socket } from 'node:net'
import { isAbortError, isAppError } from '../../base/index.ts'
import type { Clock, OnionAddress, OnionSecretKey, OnionService, OnionServiceOptions } from '../../ports/index.ts'
import { atMost, TAKE_BACK_MS } from '../at-most.ts'
import type { ControlEvent } from '../control/index.ts'
import { isControlLost } from '../control/index.ts'
import { torError } from '../errors.ts'
import type { TorWarning } from '../warnings.ts'
import { addClientKeyCommand, removeClientKeyCommand } from './commands.ts'
import type { OnionListener } from './listener.ts'
import type { OnionHost, OnionRecord } from './onion-record.ts'
import { createOnionRecord } from './onion-record.ts'
import { parseUploadEvent } from './upload-tracker.ts'

export interface OnionRegistryDeps {
  readonly clock: Clock
  readonly addressOf: (secretKey: OnionSecretKey) => OnionAddress
  readonly openListener: (kind: 'unix' | 'tcp', onSocket: (socket: Socket) => void) => Promise<OnionListener>
  readonly warn: (warning: TorWarning) => void
  readonly publishSettleMs: number
  /** Pause before a service that was refused at a reconnect is tried again. */
  readonly refusedRetryMs: number
}

export interface OnionRegistry {
  publish(options: OnionServiceOptions): Promise<OnionService>
  authorize(address: OnionAddress, privateKey: Uint8Array): Promise<() => Promise<void>>
  /** Hands everything to a new tor. Resolves when each was tried once; goes on in the background until `lose`. */
  attach(host: OnionHost): Promise<void>
  /** The tor is gone. */
  lose(): void
  takeEvent(event: ControlEvent): void
  /** Takes our client keys from a tor that lives on after us. */
  withdrawKeys(): Promise<void>
  /** Closes every service for good. Joined. */
  stop(): Promise<void>
}

/** More entries than a descriptor holds: 350 published, 400 never did (TORNET §1.4). */
const MAX_CLIENTS = 350
const KEY_BYTES = 32
const SECRET_KEY_BYTES = 64

function assertService(options: OnionServiceOptions): void {
  const { secretKey, virtualPort, authorizedClients } = options
  if (secretKey.length !== SECRET_KEY_BYTES) throw new RangeError('"secretKey" must have 64 bytes')
  if (!Number.isInteger(virtualPort) || virtualPort < 1 || virtualPort > 65_535) {
    throw new RangeError('"virtualPort" is no port')
  }
  if (authorizedClients.length > MAX_CLIENTS || authorizedClients.some((key) => key.length !== KEY_BYTES)) {
    throw new RangeError('"authorizedClients" must be at most 350 keys of 32 bytes')
  }
}

export function createOnionRegistry(deps: OnionRegistryDeps): OnionRegistry {
  const records = new Map<OnionAddress, OnionRecord>()
  const clientKeys = new Map<OnionAddress, Uint8Array>()
  /** Whose keys a tor was given and has not confirmed to have dropped; an attached tor keeps them when it loses us. */
  const told = new Set<OnionAddress>()
  /** Services that are being taken down. */
  const leaving = new Map<OnionAddress, Promise<void>>()
  const retries = new Set<Promise<void>>()
  let host: OnionHost | undefined
  let alive = new AbortController()
  let stopped = false

  const assertRunning = (): void => {
    if (stopped) throw torError('TOR_STOPPED')
  }

  /** Keeps trying to add a record to this tor; ends when it worked, or the tor or the record is gone. */
  const retryAdd = async (record: OnionRecord, at: OnionHost, signal: AbortSignal): Promise<void> => {
    try {
      for (;;) {
        await deps.clock.sleep(deps.refusedRetryMs, signal)
        if (records.get(record.address) !== record) return
        if (await tryAdd(record, at)) return
      }
    } catch (error: unknown) {
      if (!isAbortError(error)) throw error
    }
  }

  /** False when the record was refused and should be tried again. */
  const tryAdd = async (record: OnionRecord, at: OnionHost): Promise<boolean> => {
    try {
      await record.add(at)
      return true
    } catch (error: unknown) {
      // A closed connection is not a refusal: the next tor gets everything anyway.
      if (isControlLost(error)) return true
      if (!isAppError(error)) throw error
      deps.warn('TOR_ADD_ONION_REFUSED')
      return false
    }
  }

  const sendKey = async (at: OnionHost, address: OnionAddress, privateKey: Uint8Array): Promise<void> => {
    told.add(address)
    const { status } = await at.control.request(addClientKeyCommand(address, privateKey))
    // 250 new, 251 replaced, 252 new and a descriptor could be opened with it at once.
    if (status >= 250 && status <= 252) return
    told.delete(address)
    if (status === 510) deps.warn('TOR_CLIENT_AUTHORIZATION_REFUSED')
    throw torError(status === 510 ? 'TOR_FEATURE_REFUSED' : 'TOR_COMMAND_REFUSED', { details: { status } })
  }

  const removeKey = async (address: OnionAddress, privateKey: Uint8Array): Promise<void> => {
    // A newer key for the same service stays.
    if (clientKeys.get(address) !== privateKey) return
    clientKeys.delete(address)
    privateKey.fill(0)
    if (host !== undefined) await atMost(deps.clock, TAKE_BACK_MS, takeBack(host, address))
  }

  const takeBack = async (at: OnionHost, address: OnionAddress): Promise<void> => {
    try {
      await at.control.request(removeClientKeyCommand(address))
      if (!clientKeys.has(address)) told.delete(address)
    } catch (error: unknown) {
      // The connection is gone; the key is taken back over the next one.
      if (!isAppError(error)) throw error
    }
  }

  return {
    async publish(options) {
      assertRunning()
      assertService(options)
      const address = deps.addressOf(options.secretKey)
      await leaving.get(address)
      assertRunning()
      if (records.has(address)) throw new RangeError('"secretKey" belongs to a service that is up already')
      const record = createOnionRecord(address, options, deps)
      records.set(address, record)
      const takeDown = async (): Promise<void> => {
        await record.close('TOR_ONION_CLOSED')
        if (records.get(address) !== record) return
        records.delete(address)
        leaving.delete(address)
      }
      let removed: Promise<void> | undefined
      const remove = (): Promise<void> => {
        removed ??= takeDown()
        // Until it is over: who wants the same service again waits for it.
        if (records.get(address) === record) leaving.set(address, removed)
        return removed
      }
      try {
        if (host !== undefined) await record.add(host)
      } catch (error: unknown) {
        if (!isControlLost(error)) {
          await remove()
          throw error
        }
      }
      return { address, published: (signal) => record.published(signal), close: remove }
    },
    async authorize(address, privateKey) {
      assertRunning()
      if (privateKey.length !== KEY_BYTES) throw new RangeError('"privateKey" must have 32 bytes')
      const own = Uint8Array.from(privateKey)
      const before = clientKeys.get(address)
      clientKeys.set(address, own)
      before?.fill(0)
      try {
        if (host !== undefined) await sendKey(host, address, own)
      } catch (error: unknown) {
        if (!isControlLost(error)) {
          await removeKey(address, own)
          throw error
        }
      }
      return () => removeKey(address, own)
    },
    async attach(next) {
      host = next
      alive = new AbortController()
      const { signal } = alive
      const stale = [...told].filter((address) => !clientKeys.has(address)).map((address) => takeBack(next, address))
      const keys = [...clientKeys].map(async ([address, key]) => {
        try {
          await sendKey(next, address, key)
        } catch (error: unknown) {
          // Refused: the warning says so. Lost: the next tor gets it.
          if (!isAppError(error)) throw error
        }
      })
      const services = [...records.values()].map(async (record) => {
        if (await tryAdd(record, next)) return
        const retry = retryAdd(record, next, signal)
        retries.add(retry)
        void retry.finally(() => retries.delete(retry))
      })
      await Promise.all([...stale, ...keys, ...services])
    },
    lose() {
      host = undefined
      alive.abort()
      for (const record of records.values()) record.lose()
    },
    takeEvent(event) {
      const upload = parseUploadEvent(event)
      if (upload !== undefined) records.get(upload.address as OnionAddress)?.takeUpload(upload)
    },
    async withdrawKeys() {
      await Promise.all([...clientKeys].map(([address, key]) => removeKey(address, key)))
    },
    async stop() {
      stopped = true
      alive.abort()
      await Promise.all([...records.values()].map((record) => record.close('TOR_STOPPED')))
      records.clear()
      for (const key of clientKeys.values()) key.fill(0)
      clientKeys.clear()
      await Promise.all(retries)
    },
  }
}
