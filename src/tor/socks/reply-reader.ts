/**
 * Cuts what a SOCKS 5 proxy says during the handshake into its three messages (RFC 1928, RFC 1929).
 * Never accepts a byte that is not in the grammar, and never holds more than one message and one chunk. Spec 07-tor §7.1.
 * @module
 */

/** One message, complete; `data` is what came behind the last one and belongs to the stream. */
export type SocksMessage =
  | { readonly kind: 'method' | 'authentication'; readonly bytes: Buffer; readonly value: number }
  | { readonly kind: 'reply'; readonly bytes: Buffer; readonly value: number; readonly data: Buffer }

export interface SocksReplyReader {
  /** The message which `chunk` completes, `partial` when more is needed, undefined when this is not SOCKS 5. */
  push(chunk: Uint8Array): SocksMessage | 'partial' | undefined
}

const HEADER_BYTES = 5
const PORT_BYTES = 2

/** Whole length of a reply by its first five bytes; undefined for an unknown address type. */
function replyLength(bytes: Buffer): number | undefined {
  switch (bytes[3]) {
    case 1:
      return 4 + 4 + PORT_BYTES
    case 3:
      return 4 + 1 + (bytes[4] ?? 0) + PORT_BYTES
    case 4:
      return 4 + 16 + PORT_BYTES
    default:
      return undefined
  }
}

export function createSocksReplyReader(): SocksReplyReader {
  let held: Buffer = Buffer.alloc(0)
  let next: SocksMessage['kind'] = 'method'
  return {
    push(chunk) {
      held = Buffer.concat([held, chunk])
      if (next !== 'reply') {
        const version = next === 'method' ? 5 : 1
        // The proxy waits for us between its messages: more than two bytes at once is not SOCKS.
        if (held.length > 2 || (held.length > 0 && held[0] !== version)) return undefined
        if (held.length < 2) return 'partial'
        const message = { kind: next, bytes: held, value: held[1] ?? 0 } as const
        held = Buffer.alloc(0)
        next = next === 'method' ? 'authentication' : 'reply'
        return message
      }
      if (held.length > 0 && held[0] !== 5) return undefined
      if (held.length < HEADER_BYTES) return 'partial'
      const length = replyLength(held)
      if (held[2] !== 0 || length === undefined) return undefined
      if (held.length < length) return 'partial'
      return { kind: 'reply', bytes: held.subarray(0, length), value: held[1] ?? 0, data: held.subarray(length) }
    },
  }
}
