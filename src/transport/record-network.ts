/**
 * The record network over libp2p and Tor.
 * Never lets two links share anything that could be seen from outside: each listener and each dial has an instance,
 * a transport identity and circuits of its own. Spec 01a-transport §3, §6.
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Connection, Libp2p } from '@libp2p/interface'
import { isAbortError, isAppError } from '../base/index.ts'
import type {
  DialOptions,
  ListenOptions,
  Logger,
  OnionService,
  RecordLink,
  RecordListener,
  RecordNetwork,
  TorProvider,
} from '../ports/index.ts'
import { transportError } from './errors.ts'
import { createLinkInstance } from './link-instance.ts'
import { onionMultiaddr } from './onion-multiaddr.ts'
import { onionTransport } from './onion-transport.ts'
import { LISTENER_MAX_CONNECTIONS, ONION_VIRTUAL_PORT, pendingMaxCount } from './options.ts'
import { dialedKey, keyOfPeerId, peerIdOfKey } from './peer-identity.ts'
import { createRecordLink } from './record-link.ts'
import { redactError } from './redact-error.ts'

export interface RecordNetworkDeps {
  readonly torProvider: TorProvider
  readonly logger: Logger
}

/** The record network that the daemon uses. */
export function createRecordNetwork(deps: RecordNetworkDeps): RecordNetwork {
  const open = new Set<{ close(): Promise<void> }>()
  const opening = new Set<Promise<unknown>>()
  const stopping = new AbortController()

  const assertRunning = (): void => {
    if (stopping.signal.aborted) throw transportError('TRANSPORT_STOPPED')
  }
  /** Keeps what has to be closed until it was closed. */
  const track = <T extends { close(): Promise<void> }>(resource: T): T => {
    open.add(resource)
    return resource
  }
  const untrack = (resource: { close(): Promise<void> }): void => void open.delete(resource)
  /** Lets `stop` wait for what is under way. */
  const join = async <T>(task: Promise<T>): Promise<T> => {
    opening.add(task)
    try {
      return await task
    } finally {
      opening.delete(task)
    }
  }

  const listen = async (options: ListenOptions): Promise<RecordListener> => {
    assertRunning()
    const listener: RecordListener = track(await openListener(deps, options, () => untrack(listener)))
    if (stopping.signal.aborted) await listener.close()
    assertRunning()
    return listener
  }
  const dial = async (options: DialOptions): Promise<RecordLink> => {
    assertRunning()
    const signal = AbortSignal.any([options.signal, stopping.signal])
    try {
      const link: RecordLink = track(await openLink(deps, { ...options, signal }, () => untrack(link)))
      if (signal.aborted) await link.close()
      signal.throwIfAborted()
      return link
    } catch (error: unknown) {
      assertRunning()
      throw error
    }
  }

  return {
    listen: (options) => join(listen(options)),
    dial: (options) => join(dial(options)),
    async stop() {
      stopping.abort()
      await Promise.all([...open].map((resource) => resource.close()))
      await Promise.allSettled(opening)
    },
  }
}

async function openListener(
  deps: RecordNetworkDeps,
  options: ListenOptions,
  onClosed: () => void,
): Promise<RecordListener> {
  // The address comes from the provider, and libp2p has to know it before it starts: streams wait for libp2p.
  const inbox = Promise.withResolvers<(stream: Duplex) => void>()
  const service = await deps.torProvider.publishOnion({
    secretKey: options.onionSecretKey,
    virtualPort: ONION_VIRTUAL_PORT,
    authorizedClients: options.authorizedClients,
    ...(options.proofOfWork === undefined ? {} : { proofOfWork: options.proofOfWork }),
    onStream: (stream) => void inbox.promise.then((accept) => accept(stream)),
  })
  const connectionsMaxCount = options.linksMaxCount ?? LISTENER_MAX_CONNECTIONS
  let instance: Libp2p | undefined
  let closing: Promise<void> | undefined
  const links = new Set<RecordLink>()
  try {
    instance = await createLinkInstance({
      link: options,
      direction: 'inbound',
      connectionsMaxCount,
      transport: onionTransport({
        torProvider: deps.torProvider,
        publish: async (_endpoint, onStream): Promise<OnionService> => {
          inbox.resolve(onStream)
          return service
        },
        isolationFor: () => '',
        mode: 'direct',
        coalesce: false,
        announce: false,
        maxPending: pendingMaxCount(connectionsMaxCount),
      }),
      listen: [onionMultiaddr({ address: service.address, port: ONION_VIRTUAL_PORT }).toString()],
      logger: deps.logger,
    })
    await instance.handle(
      options.protocol,
      (stream, connection) => {
        const remoteKey = keyOfPeerId(connection.remotePeer)
        if (closing !== undefined || remoteKey === undefined) return connection.abort(transportError('LINK_CLOSED'))
        const link = createRecordLink(stream, options.recordBytes, remoteKey, () => endConnection(connection))
        links.add(link)
        void link.closed.then(() => links.delete(link))
        options.onLink(link)
      },
      { maxInboundStreams: 1, maxOutboundStreams: 1 },
    )
    await instance.start()
  } catch (error: unknown) {
    inbox.resolve((stream) => stream.destroy())
    await stopInstance(deps, instance)
    await service.close()
    throw isAppError(error) ? error : transportError('LINK_SETUP_FAILED', { cause: redactError(error) })
  }
  return {
    address: service.address,
    published: (signal) => service.published(signal),
    close() {
      closing ??= (async () => {
        await Promise.all([...links].map((link) => link.close()))
        await stopInstance(deps, instance)
        await service.close()
        onClosed()
      })()
      return closing
    },
  }
}

async function openLink(deps: RecordNetworkDeps, options: DialOptions, onClosed: () => void): Promise<RecordLink> {
  const { address, signal } = options
  signal.throwIfAborted()
  const remoteKey = await dialedKey(options)
  const { clientPrivateKey } = options
  const withdrawKey =
    clientPrivateKey === undefined ? undefined : await deps.torProvider.authorizeClient(address, clientPrivateKey)
  let instance: Libp2p | undefined
  const dispose = async (): Promise<void> => {
    await stopInstance(deps, instance)
    await withdrawKey?.()
  }
  try {
    instance = await createLinkInstance({
      link: options,
      direction: 'outbound',
      transport: onionTransport({
        torProvider: deps.torProvider,
        isolationFor: () => options.isolation,
        mode: 'direct',
        coalesce: false,
        announce: false,
      }),
      listen: [],
      logger: deps.logger,
    })
    await instance.start()
    const target = onionMultiaddr({ address, port: ONION_VIRTUAL_PORT }, peerIdOfKey(remoteKey))
    const connection = await instance.dial(target, { signal })
    const stream = await connection.newStream([options.protocol], { signal })
    const link = createRecordLink(stream, options.recordBytes, Uint8Array.from(remoteKey), async () => {
      await endConnection(connection)
      await dispose()
      onClosed()
    })
    // A link that ends by itself takes its instance along.
    void link.closed
      .then(() => link.close())
      .catch((error: unknown) => deps.logger.warn('close-failed', undefined, redactError(error)))
    return link
  } catch (error: unknown) {
    await dispose()
    throw dialError(error, signal)
  }
}

/** What libp2p has to say about its own end is for the log: everything else has to be closed all the same. */
async function stopInstance(deps: RecordNetworkDeps, instance: Libp2p | undefined): Promise<void> {
  try {
    await instance?.stop()
  } catch (error: unknown) {
    deps.logger.warn('close-failed', undefined, redactError(error))
  }
}

/** Closing frames do not exist here, so there is nothing to wait for but the socket. */
async function endConnection(connection: Connection): Promise<void> {
  try {
    await connection.close()
  } catch {
    // It did not close in time or was broken already.
    connection.abort(transportError('LINK_CLOSED'))
  }
}

function dialError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (isAppError(error)) return error
  const cause = redactError(error)
  if (isAbortError(error) || cause.message === 'TimeoutError') return transportError('LINK_TIMED_OUT', { cause })
  return transportError('LINK_SETUP_FAILED', { cause })
}
