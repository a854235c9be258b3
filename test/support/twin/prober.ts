/**
 * A contact who means ill: with the keys of its own end it writes whatever may make the other end do something.
 * Never a messenger any more: from the first box on it says what no honest end says.
 * @module
 */
import { randomBytes } from '../../../src/crypto/index.ts'
import { decodeSequences, sealBox, takeSendBox } from '../../../src/mailbox/index.ts'
import type { KeyValueStore, Random } from '../../../src/ports/index.ts'
import { decodeSessionState, sealEnvelope } from '../../../src/session/index.ts'
import {
  BOX_BODY_BYTES,
  CONTENT_TYPE_TEXT,
  ENVELOPE_BODY_BYTES,
  ENVELOPE_BYTES,
  encodeBoxBody,
  encodeContentPart,
  MESSAGE_ID_BYTES,
  padBody,
} from '../../../src/wire/index.ts'
import type { TwinHosts } from './hosts.ts'

export interface Prober {
  /** So many boxes, each of a kind that chance chooses. */
  write(count: number): void
  /** Boxes by kind. */
  readonly written: Readonly<Record<string, number>>
}

interface Sealed {
  readonly sequence: number
  readonly envelope: Uint8Array
}

/** From what the prober's own messenger has stored of its session with us. */
export async function createProber(
  store: KeyValueStore,
  contactId: string,
  hosts: TwinHosts,
  random: Random,
): Promise<Prober> {
  const [sessionBytes, sequenceBytes] = [await store.get('session', contactId), await store.get('sequences', contactId)]
  let session = sessionBytes && decodeSessionState(sessionBytes)
  let sequences = sequenceBytes && decodeSequences(sequenceBytes)
  const said: Sealed[] = []
  let nextSequence = 1
  const written = { garbage: 0, badEnvelope: 0, tooEarly: 0, valid: 0, duplicate: 0, old: 0, twice: 0, lyingAck: 0 }

  const seal = (): Sealed => {
    if (session === undefined) throw new Error('a prober without a session')
    const content = encodeContentPart({
      messageId: randomBytes(MESSAGE_ID_BYTES),
      partIndex: 0,
      partCount: 1,
      timestampMs: 1,
      type: CONTENT_TYPE_TEXT,
      chunk: new TextEncoder().encode('are you there?'),
    })
    const { envelope, state } = sealEnvelope(session, padBody(content, ENVELOPE_BODY_BYTES))
    session = state
    const sealed = { sequence: nextSequence, envelope }
    nextSequence += 1
    said.push(sealed)
    return sealed
  }

  const any = (): Sealed => said[Math.floor(random.uniform() * said.length)] ?? seal()

  const bodyOf = (kind: keyof typeof written, previousBoxes: number): Uint8Array => {
    const body = (envelopes: readonly Sealed[], ackBase = 0, ackBits = 0): Uint8Array =>
      encodeBoxBody({ kind: 'conversation', ackBase, ackBits, previousBoxes, envelopes })
    switch (kind) {
      case 'garbage':
        return randomBytes(BOX_BODY_BYTES)
      case 'badEnvelope':
        return body([{ sequence: nextSequence, envelope: randomBytes(ENVELOPE_BYTES) }])
      case 'tooEarly':
        return body([{ sequence: nextSequence + 100_000, envelope: randomBytes(ENVELOPE_BYTES) }])
      case 'duplicate':
        return body([any()])
      case 'old':
        return body([{ sequence: nextSequence, envelope: any().envelope }])
      case 'lyingAck':
        return body([], 50_000, 0xffff_fffe)
      default:
        return body([seal()])
    }
  }

  const kinds = Object.keys(written) as readonly (keyof typeof written)[]
  return {
    written,
    write(count) {
      for (let left = count; left > 0; left -= 1) {
        const taken = sequences && takeSendBox(sequences)
        if (taken === undefined) throw new Error('a prober that cannot send')
        sequences = taken.sequences
        // What comes too early is never taken and would hold up all that is behind it: seldom, then.
        const chosen = kinds[Math.floor(random.uniform() * kinds.length)] ?? 'valid'
        const kind = chosen === 'tooEarly' && random.uniform() > 0.05 ? 'valid' : chosen
        written[kind] += 1
        hosts.put(sealBox(taken.keys, bodyOf(kind, taken.previousBoxes)))
        if (kind === 'twice') hosts.put(sealBox(taken.keys, bodyOf('garbage', 0)))
      }
    },
  }
}
