/**
 * Cuts a byte stream into lines of bounded length.
 * Never holds more than one bound's worth of bytes, whatever comes. Spec 08-rpc §2.
 * @module
 */

/** A line without its line feed, or the mark of one that was too long and was skipped. */
export type FramedLine = { readonly kind: 'line'; readonly bytes: Uint8Array } | { readonly kind: 'too-long' }

export interface LineFramer {
  /** The lines that this chunk completes, in order. A line that becomes too long is reported once, at once. */
  push(chunk: Uint8Array): FramedLine[]
}

const LINE_FEED = 0x0a

const NOTHING = Buffer.alloc(0)

export function createLineFramer(maxBytes: number): LineFramer {
  // One buffer that doubles: a list of pieces would cost a hundred bytes for each byte of a client that sends them singly.
  let held = NOTHING
  let heldBytes = 0
  let skipping = false

  const append = (piece: Uint8Array): void => {
    const neededBytes = heldBytes + piece.length
    if (neededBytes > held.length) {
      const larger = Buffer.alloc(Math.min(maxBytes, Math.max(neededBytes, 2 * held.length)))
      larger.set(held.subarray(0, heldBytes))
      held = larger
    }
    held.set(piece, heldBytes)
    heldBytes = neededBytes
  }
  const release = (): Uint8Array => {
    const bytes = held.subarray(0, heldBytes)
    held = NOTHING
    heldBytes = 0
    return bytes
  }

  const take = (piece: Uint8Array, complete: boolean): FramedLine | undefined => {
    if (skipping) {
      skipping = !complete
      return undefined
    }
    if (heldBytes + piece.length > maxBytes) {
      release()
      skipping = !complete
      return { kind: 'too-long' }
    }
    if (complete && heldBytes === 0) return { kind: 'line', bytes: piece }
    append(piece)
    return complete ? { kind: 'line', bytes: release() } : undefined
  }

  return {
    push(chunk) {
      const lines: FramedLine[] = []
      let start = 0
      while (start < chunk.length) {
        const end = chunk.indexOf(LINE_FEED, start)
        const complete = end !== -1
        const line = take(chunk.subarray(start, complete ? end : chunk.length), complete)
        if (line !== undefined) lines.push(line)
        start = complete ? end + 1 : chunk.length
      }
      return lines
    },
  }
}
