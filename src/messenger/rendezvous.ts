/**
 * The two ends of the rendezvous exchange: how an invite becomes a contact request while both sides are online.
 * Never answers anybody but the holder of the invite, and every answer has one size. Spec 06-identity §5.
 * @module
 */
import { attempt, createTaskGroup, isForeseen, whenAborted, withDeadline } from '../base/index.ts'
import { deriveRendezvousKeys } from '../identity/index.ts'
import { nextReconnectDelayMs } from '../padding/index.ts'
import type { Clock, Logger, OnionAddress, OnionSecretKey, Random, RecordLink, RecordNetwork } from '../ports/index.ts'
import type { RendezvousResult } from '../wire/index.ts'
import {
  decodeRendezvousBundle,
  decodeRendezvousHello,
  decodeRendezvousRequest,
  decodeRendezvousResult,
  encodeRendezvousBundle,
  encodeRendezvousHello,
  encodeRendezvousRequest,
  encodeRendezvousResult,
  RENDEZVOUS_RECORD_BYTES,
} from '../wire/index.ts'
import { DIAL_TIMEOUT_MS, RENDEZVOUS_LINKS_MAX_COUNT, RENDEZVOUS_STEP_TIMEOUT_MS } from './options.ts'

const RENDEZVOUS_PROTOCOL = '/noctule/rendezvous/1'

export interface RendezvousDeps {
  readonly clock: Clock
  readonly random: Random
  readonly network: RecordNetwork
  readonly logger: Logger
}

export interface RendezvousRunner {
  start(): void
  stop(): Promise<void>
}

/** The next record; ends the link when it takes too long, so that nobody can hold an exchange open. */
function receiveStep(deps: RendezvousDeps, link: RecordLink, outer: AbortSignal): Promise<Uint8Array | undefined> {
  return withDeadline(deps.clock, RENDEZVOUS_STEP_TIMEOUT_MS, outer, async (deadline) => {
    const end = (): void => void link.close()
    deadline.addEventListener('abort', end, { once: true })
    if (deadline.aborted) end()
    try {
      return await link.receive()
    } finally {
      deadline.removeEventListener('abort', end)
    }
  })
}

export interface RendezvousListenerOptions {
  readonly voucher: Uint8Array
  readonly onionSecretKey: OnionSecretKey
  /** What the invite answers to a hello now. */
  readonly offer: () => { readonly bundle: Uint8Array } | { readonly outcome: RendezvousResult }
  /** Takes a request; resolves when it is on disk. Undefined drops it in silence. */
  readonly onRequest: (request: Uint8Array) => Promise<RendezvousResult | undefined>
  readonly onPublished: () => void
  readonly onFailure: (error: unknown) => void
}

export function createRendezvousListener(deps: RendezvousDeps, options: RendezvousListenerOptions): RendezvousRunner {
  const tasks = createTaskGroup(options.onFailure)
  const { signal } = tasks
  let links = 0

  const serve = async (link: RecordLink): Promise<void> => {
    links += 1
    try {
      if (links > RENDEZVOUS_LINKS_MAX_COUNT) return
      let record = await receiveStep(deps, link, signal)
      if (record !== undefined && decodeRendezvousHello(record)) {
        const offer = options.offer()
        await link.send(
          'bundle' in offer ? encodeRendezvousBundle(offer.bundle) : encodeRendezvousResult(offer.outcome),
        )
        record = await receiveStep(deps, link, signal)
      }
      const request = record === undefined ? undefined : decodeRendezvousRequest(record)
      const outcome = request === undefined ? undefined : await options.onRequest(request)
      if (outcome === undefined || signal.aborted) return
      await link.send(encodeRendezvousResult(outcome))
      // The dialer closes when it has read the answer.
      await receiveStep(deps, link, signal)
    } catch (error: unknown) {
      if (!isForeseen(error)) throw error
      deps.logger.debug('rendezvous exchange ended', {}, error)
    } finally {
      links -= 1
      await link.close()
    }
  }

  const listen = async (): Promise<void> => {
    const keys = deriveRendezvousKeys(options.voucher)
    const listener = await deps.network.listen({
      protocol: RENDEZVOUS_PROTOCOL,
      recordBytes: RENDEZVOUS_RECORD_BYTES,
      localSeed: keys.listenerSeed,
      remoteSeed: keys.dialerSeed,
      onionSecretKey: options.onionSecretKey,
      authorizedClients: [keys.clientAuth.publicKey],
      onLink: (link) => tasks.own(serve(link)),
    })
    try {
      await listener.published(signal)
      options.onPublished()
      await whenAborted(signal)
    } finally {
      await listener.close()
    }
  }

  const run = async (): Promise<void> => {
    for (let failures = 0; !(await attempt(deps.logger, 'rendezvous listen failed', listen)); failures += 1) {
      await deps.clock.sleep(nextReconnectDelayMs(failures, deps.random), signal)
    }
  }

  return {
    start: () => tasks.own(run()),
    stop: () => tasks.stop(),
  }
}

export interface RendezvousDialerOptions {
  readonly voucher: Uint8Array
  readonly address: OnionAddress
  /** A token that no other purpose or contact shares; it goes into the SOCKS isolation. */
  readonly isolation: string
  /** True when the invite has run out by our own clock. */
  readonly isExpired: () => boolean
  /** The request made earlier, if any: after a crash the same bytes go out again. */
  readonly storedRequest: () => Uint8Array | undefined
  /** False once the contact was removed or blocked: nothing more leaves. */
  readonly isWanted: () => boolean
  /** Makes and stores the request for a bundle; undefined when the bundle does not match the invite. */
  readonly onBundle: (sealedBundle: Uint8Array) => Promise<Uint8Array | undefined>
  /** The end of the exchange, stored before it resolves. */
  readonly onOutcome: (outcome: RendezvousResult | 'bundle-invalid') => Promise<void>
  readonly onFailure: (error: unknown) => void
}

export function createRendezvousDialer(deps: RendezvousDeps, options: RendezvousDialerOptions): RendezvousRunner {
  const tasks = createTaskGroup(options.onFailure)
  const { signal } = tasks

  const exchange = async (link: RecordLink): Promise<RendezvousResult | 'bundle-invalid' | undefined> => {
    let request = options.storedRequest()
    if (request === undefined) {
      await link.send(encodeRendezvousHello())
      const record = await receiveStep(deps, link, signal)
      if (record === undefined) return undefined
      const outcome = decodeRendezvousResult(record)
      if (outcome !== undefined) return outcome
      const sealed = decodeRendezvousBundle(record)
      if (sealed === undefined) return undefined
      request = await options.onBundle(sealed)
      if (request === undefined) return options.isWanted() ? 'bundle-invalid' : undefined
    }
    // The contact may have been removed or blocked while its request was made.
    signal.throwIfAborted()
    if (!options.isWanted()) return undefined
    await link.send(encodeRendezvousRequest(request))
    const answer = await receiveStep(deps, link, signal)
    return answer === undefined ? undefined : decodeRendezvousResult(answer)
  }

  const dialOnce = async (): Promise<RendezvousResult | 'bundle-invalid' | undefined> => {
    const keys = deriveRendezvousKeys(options.voucher)
    let link: RecordLink | undefined
    try {
      link = await withDeadline(deps.clock, DIAL_TIMEOUT_MS, signal, (deadline) =>
        deps.network.dial({
          protocol: RENDEZVOUS_PROTOCOL,
          recordBytes: RENDEZVOUS_RECORD_BYTES,
          localSeed: keys.dialerSeed,
          remoteSeed: keys.listenerSeed,
          address: options.address,
          clientPrivateKey: keys.clientAuth.privateKey,
          isolation: `rendezvous:${options.isolation}`,
          signal: deadline,
        }),
      )
      return await exchange(link)
    } catch (error: unknown) {
      signal.throwIfAborted()
      if (!isForeseen(error)) throw error
      deps.logger.debug('rendezvous attempt failed', {}, error)
      return undefined
    } finally {
      await link?.close()
    }
  }

  const run = async (): Promise<void> => {
    for (let failures = 0; ; failures += 1) {
      await deps.clock.sleep(nextReconnectDelayMs(failures, deps.random), signal)
      // Whether it is wanted again is the caller's to see; until then nothing leaves.
      if (!options.isWanted()) continue
      const outcome = options.isExpired() ? 'expired' : await dialOnce()
      if (outcome !== undefined && (await attempt(deps.logger, 'request not stored', () => options.onOutcome(outcome))))
        return
    }
  }

  return {
    start: () => tasks.own(run()),
    stop: () => tasks.stop(),
  }
}
