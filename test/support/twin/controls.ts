/**
 * Nodes with a fault that a twin run must find: each stands between parts that are as shipped.
 * Never a switch in the code that ships.
 * @module
 */
import type { RecordLink, RecordNetwork } from '../../../src/ports/index.ts'
import { COURIER_RECORD_BYTES, encodeCourierRequest, HOST_ID_BYTES } from '../../../src/wire/index.ts'
import type { Wraps } from './node.ts'
import type { Trace } from './trace.ts'

export interface Fault {
  readonly wraps: (trace: Trace) => Partial<Wraps>
  /** Events that had left the faulty node when its fault first showed; undefined when it never did. */
  firstAt(): number | undefined
}

/** First byte of a record, as its courier reads it. */
const [WRITE, TABLE] = [2, 4]

/** Links of a node, through which something can leave that no slot called for, or be held back. */
function createTap(): {
  readonly network: (network: RecordNetwork) => RecordNetwork
  inject(): boolean
  /** The next record of this kind, or of any, stays here. */
  swallow(kind: number | undefined): void
} {
  const links: RecordLink[] = []
  const swallowed: (number | undefined)[] = []
  return {
    network: (inner) => ({
      ...inner,
      async dial(options) {
        const link = await inner.dial(options)
        links.push(link)
        void link.closed.then(() => links.splice(links.indexOf(link), 1))
        return {
          ...link,
          send(record) {
            const at = swallowed.findIndex((kind) => kind === undefined || kind === record[0])
            if (at < 0) return link.send(record)
            swallowed.splice(at, 1)
            return Promise.resolve()
          },
        }
      },
    }),
    inject() {
      const link = links.find(({ recordBytes }) => recordBytes === COURIER_RECORD_BYTES)
      void link?.send(encodeCourierRequest({ kind: 'table', cursor: new Uint8Array(HOST_ID_BYTES) }))
      return link !== undefined
    },
    swallow: (kind) => void swallowed.push(kind),
  }
}

function createFault(
  make: (tap: ReturnType<typeof createTap>, shows: (isShown: boolean) => void) => Partial<Wraps>,
): Fault {
  let firstAt: number | undefined
  return {
    wraps(trace) {
      const tap = createTap()
      let eventsBefore = 0
      const inject = (): boolean => {
        eventsBefore = trace.length
        return tap.inject()
      }
      const shows = (isShown: boolean): void => {
        if (isShown) firstAt ??= eventsBefore
      }
      return { network: tap.network, ...make({ ...tap, inject }, shows) }
    },
    firstAt: () => firstAt,
  }
}

/** A message goes at once instead of with the next slot. */
const earlyFlush = (): Fault =>
  createFault((tap, shows) => ({
    messenger: (messenger) => ({
      ...messenger,
      async send(options) {
        const sent = await messenger.send(options)
        const isShown = tap.inject()
        shows(isShown)
        if (isShown) tap.swallow(undefined)
        return sent
      },
    }),
  }))

/** What a user wrote is written again at once when it was not stored; loops are not. */
const realOnlyRetry = (): Fault =>
  createFault((tap, shows) => ({
    owner: (owner) => ({
      ...owner,
      async onWriteResult(boxId, result) {
        await owner.onWriteResult(boxId, result)
        if (result.status !== 'stored') shows(tap.inject())
      },
    }),
  }))

/** A slot with something to write has two records. */
const extraRecord = (): Fault =>
  createFault((tap, shows) => ({
    owner: (owner) => ({
      ...owner,
      async onWriteSent(boxId) {
        await owner.onWriteSent(boxId)
        shows(tap.inject())
      },
    }),
  }))

/** What cannot be opened is answered. */
const replyToInvalid = (): Fault =>
  createFault((tap, shows) => ({
    session: (session) => ({
      ...session,
      openEnvelope(...input) {
        const opened = session.openEnvelope(...input)
        if (!opened.ok) shows(tap.inject())
        return opened
      },
    }),
  }))

/** A write slot with nothing to write is left out. */
export const skippedDummy = (): Fault =>
  createFault((tap, shows) => ({
    owner: (owner) => ({
      ...owner,
      async nextWrite() {
        const box = await owner.nextWrite()
        if (box === undefined) tap.swallow(WRITE)
        shows(box === undefined)
        return box
      },
    }),
  }))

/** A box that came is answered at once. */
export const answeredBox = (): Fault =>
  createFault((tap, shows) => ({
    owner: (owner) => ({
      ...owner,
      async onBox(box) {
        const tombstone = await owner.onBox(box)
        shows(tap.inject())
        return tombstone
      },
    }),
  }))

export const INJECTED_KIND = TABLE
export const WRITE_KIND = WRITE

/** Those that nobody notices in a node of which nothing is asked. */
export const INJECTIONS: Readonly<Record<string, () => Fault>> = {
  'a flush before the slot': earlyFlush,
  'a retry of real writes alone': realOnlyRetry,
  'an extra record': extraRecord,
  'a reply to an invalid message': replyToInvalid,
}
