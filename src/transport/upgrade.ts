/**
 * Turns a Tor stream into an authenticated, muxed libp2p connection.
 * Never negotiates in the direct form: both ends know the one encrypter and the one muxer, so Noise is the first byte on
 * the stream and one round trip is enough (TORNET §2.1). ADR 0002, spec 01a-transport §4.
 * @module
 */
import type {
  Connection,
  ConnectionEncrypter,
  MultiaddrConnection,
  PeerId,
  SecuredConnection,
  StreamMuxerFactory,
  Upgrader,
} from '@libp2p/interface'
import { transportError } from './errors.ts'
import type { OnionConnection } from './onion-connection.ts'

/** `direct` for instances with exactly one encrypter and one muxer; `negotiated` is libp2p's multistream-select. */
export type UpgradeMode = 'direct' | 'negotiated'

export interface UpgradeOptions {
  readonly upgrader: Upgrader
  readonly mode: UpgradeMode
  readonly signal: AbortSignal
}

/** @throws what libp2p throws; the caller redacts it. */
export async function upgradeOutbound(
  connection: OnionConnection,
  remotePeer: PeerId | undefined,
  options: UpgradeOptions,
): Promise<Connection> {
  const { upgrader, mode, signal } = options
  if (mode === 'negotiated') return upgrader.upgradeOutbound(connection, { signal })
  const { encrypter, muxerFactory } = onlyChoice(upgrader)
  const expected = remotePeer === undefined ? {} : { remotePeer }
  const secured = await encrypter.secureOutbound(connection, { signal, skipStreamMuxerNegotiation: true, ...expected })
  return upgrader.upgradeOutbound(securedConnection(secured, connection), {
    signal,
    skipEncryption: true,
    skipProtection: true,
    remotePeer: secured.remotePeer,
    muxerFactory,
  })
}

/** @throws what libp2p throws; the caller redacts it. */
export async function upgradeInbound(connection: OnionConnection, options: UpgradeOptions): Promise<void> {
  const { upgrader, mode, signal } = options
  if (mode === 'negotiated') return upgrader.upgradeInbound(connection, { signal })
  const { encrypter, muxerFactory } = onlyChoice(upgrader)
  const secured = await encrypter.secureInbound(connection, { signal, skipStreamMuxerNegotiation: true })
  await upgrader.upgradeInbound(securedConnection(secured, connection), {
    signal,
    skipEncryption: true,
    skipProtection: true,
    remotePeer: secured.remotePeer,
    muxerFactory,
  })
}

/**
 * The upgrader of a `skipEncryption` upgrade muxes what it is given; a connection is a message stream with an address.
 * What is put over a stream that has ended already is never told of it and would count as open for ever.
 */
function securedConnection(secured: SecuredConnection, connection: OnionConnection): MultiaddrConnection {
  if (connection.status !== 'open') throw transportError('LINK_CLOSED')
  return Object.assign(secured.connection, { remoteAddr: connection.remoteAddr })
}

interface OnlyChoice {
  readonly encrypter: ConnectionEncrypter
  readonly muxerFactory: StreamMuxerFactory
}

function onlyChoice(upgrader: Upgrader): OnlyChoice {
  const [encrypter, ...otherEncrypters] = upgrader.getConnectionEncrypters().values()
  const [muxerFactory, ...otherMuxers] = upgrader.getStreamMuxers().values()
  if (encrypter === undefined || muxerFactory === undefined || otherEncrypters.length + otherMuxers.length > 0) {
    throw new RangeError('a direct upgrade needs exactly one encrypter and one muxer')
  }
  return { encrypter, muxerFactory }
}
