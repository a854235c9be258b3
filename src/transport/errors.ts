/**
 * What can go wrong with a link, and what to do about it.
 * Never names an address, a peer id or a key: those of a failed dial stay with the caller. HOUSE §4.4.
 * @module
 */
import { createErrorFactory, type ErrorTable } from '../base/index.ts'

export const TRANSPORT_ERRORS = {
  LINK_CLOSED: {
    kind: 'retry',
    why: 'The link to the other side has ended.',
    remedy: 'Dial again at the next time of the reconnect schedule.',
  },
  LINK_PEER_UNEXPECTED: {
    kind: 'peer',
    why: 'Whoever answered does not hold the agreed transport key or speaks another protocol.',
    remedy: 'Keep to the reconnect schedule; if it stays so, pair again.',
  },
  LINK_SETUP_FAILED: {
    kind: 'retry',
    why: 'The other side ended the connection before it was authenticated.',
    remedy: 'Dial again at the next time of the reconnect schedule.',
  },
  LINK_TIMED_OUT: {
    kind: 'retry',
    why: 'The connection was not authenticated in time.',
    remedy: 'Dial again at the next time of the reconnect schedule.',
  },
  MESH_RECORD_REFUSED: {
    kind: 'bug',
    why: 'The record for the DHT does not pass our own check.',
    remedy: 'Sign a new record; look at the clock if it happens again.',
  },
  MESH_REFUSED: {
    kind: 'peer',
    why: 'The other host received the request and did not serve it.',
    remedy: 'Ask another host.',
  },
  MESH_TIMED_OUT: {
    kind: 'retry',
    why: 'The other host did not answer the request in time.',
    remedy: 'Ask another host, and this one again later.',
  },
  MESH_UNKNOWN_PEER: {
    kind: 'peer',
    why: 'The mesh does not know an address of that host.',
    remedy: 'Take the host from the host table first, or leave it out.',
  },
  MESH_UNREACHABLE: {
    kind: 'retry',
    why: 'There is no connection to the other host, or it was lost.',
    remedy: 'Ask another host, and this one again later.',
  },
  TRANSPORT_ADDRESS_REFUSED: {
    kind: 'peer',
    why: 'The address is not a v3 onion address with a port and nothing else.',
    remedy: 'Drop the address; there is no other kind that may be contacted.',
  },
  TRANSPORT_STOPPED: {
    kind: 'stopping',
    why: 'The transport has been stopped.',
    remedy: 'Nothing; the daemon is shutting down.',
  },
} as const satisfies ErrorTable

export type TransportErrorCode = keyof typeof TRANSPORT_ERRORS

export const transportError = createErrorFactory(TRANSPORT_ERRORS)
