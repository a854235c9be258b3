/**
 * Times, limits and constants of every connection.
 * Never depends on what a user does or on which peer it is: all daemons use the same numbers. DESIGN §5, TORNET §2.3.
 * @module
 */
import { SECOND_MS } from '../base/index.ts'

/**
 * The port that onion addresses of noctule have. 80, because the control-port filter of Tails lets a program have
 * onion services on that virtual port only (PEERS §4).
 */
export const ONION_VIRTUAL_PORT = 80

/** libp2p's own names for itself tell its version and Node's; nothing here sends them, and they are constant anyway. */
export const AGENT = { name: 'noctule', version: '1', userAgent: 'noctule/1' } as const

/** One dial, from the SOCKS request to an authenticated link. A dead peer takes tor 120 s to report (TORNET §1.4). */
export const DIAL_TIMEOUT_MS = 90 * SECOND_MS

/** An inbound stream has to authenticate within this time. TORNET §2.3: 30 to 60 s. */
export const INBOUND_UPGRADE_TIMEOUT_MS = 60 * SECOND_MS

/** Negotiation of a protocol on a stream; unused on record links, which negotiate nothing. */
export const STREAM_NEGOTIATION_TIMEOUT_MS = 60 * SECOND_MS

/** After our end of a socket was closed, how long tor may take to close its end before it is torn down. Guessed. */
export const CLOSE_TIMEOUT_MS = SECOND_MS

/**
 * Connections that one listener holds. A contact has one; a link that died unnoticed may still count while its
 * successor arrives. Guessed.
 */
export const LISTENER_MAX_CONNECTIONS = 8

/**
 * Inbound streams that have not authenticated yet, per listener. One more ends the oldest of them: an honest one is done
 * after a round trip, so whoever holds streams open cannot keep it out. Guessed; a stranger needs the descriptor's key first.
 */
export const LISTENER_MAX_PENDING = 8

/**
 * The same for a listener of another size: a quarter of its connections, so that many who come back at once, after a
 * host was restarted, do not push each other out. Guessed.
 */
export function pendingMaxCount(connectionsMaxCount: number): number {
  return Math.max(LISTENER_MAX_PENDING, Math.ceil(connectionsMaxCount / 4))
}

/** Bytes that may wait for the socket before writers are told to wait. Guessed: a few round trips of bulk. */
export const WRITE_HIGH_WATER_BYTES = 65_536

/** Received records that may wait for `receive`; reading stops there, and so, through Tor's windows, does the sender. */
export const RECEIVE_QUEUE_MAX_COUNT = 32

/** What may sit between a socket that was told to stop and the queue: one read of a socket, with room. */
export const READ_BUFFER_MAX_BYTES = 1_048_576
