/**
 * Cuts the byte stream of a tor control port into replies.
 * Never throws and never holds more than one reply of bounded size: hostile bytes end the stream. Spec 07-tor §2.1.
 * @module
 */

export interface ReplyLimits {
  /** Longest accepted line without its line end. */
  readonly maxLineBytes: number
  /** Largest accepted reply, all lines and data together. */
  readonly maxReplyBytes: number
}

/** One line of a reply; `data` is there when the line opened a data block (`250+`). */
export interface ReplyLine {
  readonly text: string
  /** Lines joined by `\n`, dot-unstuffed; bytes as Latin-1 characters. */
  readonly data: string | undefined
}

/** A complete reply or event; the status is that of its last line. Text is Latin-1, byte for byte. */
export interface ControlReply {
  readonly status: number
  readonly lines: readonly ReplyLine[]
}

export interface ReplyParser {
  /** The replies which `chunk` completes, in order; undefined, from then on always, when the bytes are no replies. */
  push(chunk: Uint8Array): readonly ControlReply[] | undefined
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
/** What a held line costs beyond its bytes; guessed, so that a million empty lines count as something. */
const LINE_OVERHEAD_BYTES = 64
const REPLY_LINE = /^([1-6][0-9]{2})([ +-])(.*)$/s

export function createReplyParser(limits: ReplyLimits): ReplyParser {
  let failed = false
  let partial: Uint8Array[] = []
  let partialBytes = 0
  let lines: ReplyLine[] = []
  let replyBytes = 0
  let eventFamily: boolean | undefined
  let dataText: string | undefined
  let dataLines: string[] = []

  /** True when the line was accepted. */
  const takeLine = (raw: Buffer, out: ControlReply[]): boolean => {
    const terminated = raw.length > 0 && raw[raw.length - 1] === CARRIAGE_RETURN
    const text = (terminated ? raw.subarray(0, -1) : raw).toString('latin1')
    replyBytes += text.length + LINE_OVERHEAD_BYTES
    if (replyBytes > limits.maxReplyBytes) return false
    if (dataText !== undefined) {
      if (text === '.') {
        lines.push({ text: dataText, data: dataLines.join('\n') })
        dataText = undefined
        dataLines = []
      } else {
        dataLines.push(text.startsWith('.') ? text.slice(1) : text)
      }
      return true
    }
    // Outside data blocks tor always writes CRLF; a bare line feed means that this is something else.
    const match = terminated ? REPLY_LINE.exec(text) : null
    if (match === null) return false
    const status = Number(match[1])
    const isEvent = status >= 600
    if (eventFamily !== undefined && eventFamily !== isEvent) return false
    eventFamily = isEvent
    const rest = match[3] ?? ''
    if (match[2] === '+') {
      dataText = rest
      return true
    }
    lines.push({ text: rest, data: undefined })
    if (match[2] === ' ') {
      out.push({ status, lines })
      lines = []
      replyBytes = 0
      eventFamily = undefined
    }
    return true
  }

  return {
    push(chunk) {
      const out: ControlReply[] = []
      let start = 0
      while (!failed && start < chunk.length) {
        const end = chunk.indexOf(LINE_FEED, start)
        const piece = chunk.subarray(start, end < 0 ? chunk.length : end)
        // One more byte than the limit: the carriage return.
        if (partialBytes + piece.length > limits.maxLineBytes + 1) {
          failed = true
        } else if (end < 0) {
          // Copied, because the socket may reuse its buffer.
          partial.push(Uint8Array.from(piece))
          partialBytes += piece.length
          start = chunk.length
        } else {
          failed = !takeLine(Buffer.concat([...partial, piece]), out)
          partial = []
          partialBytes = 0
          start = end + 1
        }
      }
      if (!failed) return out
      partial = []
      lines = []
      dataLines = []
      return undefined
    },
  }
}
