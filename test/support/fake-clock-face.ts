/**
 * The clock of the fake messenger: profiles as they are, and traffic that never changes.
 * Never a second implementation of the rhythms: figures and estimates are the real ones.
 * @module
 */
import type { ClockFace, ContactInfo, ProfileState, SendingInfo, SyncState } from '../../src/messenger/index.ts'
import { messengerError, PROFILE_NAMES } from '../../src/messenger/index.ts'
import {
  createTrafficMeter,
  estimateBulk,
  estimateText,
  LANE_BYTES_PER_DAY,
  type Profile,
  profileFigures,
  profileOf,
} from '../../src/padding/index.ts'

export interface FakeClockFace extends ClockFace {
  /** What `profile` and `status` say; tests change it. */
  state: ProfileState
  syncState: SyncState
  /** Write slots and what came down; the rest of the lanes are silent. */
  readonly traffic: ClockFace['traffic']
  sending(hosts: number): SendingInfo
}

/** Records each way in the hour that the fake has counted. */
const WRITE_RECORDS = 118
const LANE_RECORDS = 60
const FAKE_CHUNKS = 48
const FAKE_DELAY_MS = 22_000
const HOUR_MS = 3_600_000
const NEXT_WINDOW_MS = 7_200_000

export function createFakeClockFace(nowMs: number, getContact: (contactId: string) => ContactInfo): FakeClockFace {
  const meter = createTrafficMeter()
  meter.note('setup', 'up', nowMs - HOUR_MS)
  for (let record = 0; record < WRITE_RECORDS; record += 1) {
    meter.note('write', 'up', nowMs)
    meter.note('write', 'down', nowMs)
  }
  for (let record = 0; record < LANE_RECORDS; record += 1) meter.note('live', 'up', nowMs)
  const offer = (rhythms: Profile) => ({ rhythms, figures: profileFigures(rhythms) })
  const pace = (): Profile => profileOf(face.state.name)
  const bulk = (): SendingInfo['bulk'] => {
    const hasWindows = pace().bulk !== undefined
    return { nextWindowAtMs: hasWindows ? nowMs + NEXT_WINDOW_MS : undefined, slotsLeft: 0 }
  }

  const face: FakeClockFace = {
    state: { name: 'balanced', next: undefined },
    syncState: 'idle',
    profile: () => ({
      ...face.state,
      inForce: offer(pace()),
      available: PROFILE_NAMES.map((name) => offer(profileOf(name))),
      laneBytesPerDay: LANE_BYTES_PER_DAY,
    }),
    async setProfile(name) {
      const next = name === face.state.name ? undefined : { name, atMs: nowMs + HOUR_MS }
      face.state = { ...face.state, next }
      return face.state
    },
    traffic: () => ({
      ...meter.report(nowMs, pace()),
      atMs: nowMs,
      nextWriteAtMs: nowMs + 81_000,
      nextReadAtMs: nowMs + 69_000,
      bulk: bulk(),
    }),
    sync() {
      if (face.state.name !== 'manual') throw messengerError('PROFILE_NOT_MANUAL')
      if (face.syncState === 'idle') face.syncState = 'connecting'
      return face.syncState
    },
    async estimateSend({ contactId, text, bytes }) {
      const contact = getContact(contactId)
      if ((text === undefined) === (bytes === undefined)) throw messengerError('ESTIMATE_INPUT_INVALID')
      if (contact.state === 'requesting') throw messengerError('CONTACT_NOT_READY')
      const none = { queuedEnvelopes: contact.queuedMessages, queuedBoxes: 0 }
      const via = pace().sync === undefined ? 'slots' : 'manual'
      if (text === undefined) {
        const estimate = estimateBulk(pace(), { chunks: FAKE_CHUNKS, queuedBoxes: 1 })
        return { via, envelopes: 1, boxes: FAKE_CHUNKS, ...none, queuedBoxes: 1, ...estimate }
      }
      if (text.length === 0) throw messengerError('MESSAGE_EMPTY')
      if (contact.laneOpen) {
        const delivered = { earlyMs: 500, expectedMs: 1_900, lateMs: 3_100 }
        const nothing = { boxes: 0, writeSlots: undefined, syncs: undefined, stored: undefined }
        return { via: 'live', envelopes: 1, ...none, ...nothing, delivered }
      }
      const estimate = estimateText(pace(), { envelopes: 1, ...none, isHot: false })
      return { via, envelopes: 1, boxes: 1, ...none, ...estimate }
    },
    sending: (hosts) => ({
      profile: face.state,
      queuedEnvelopes: 0,
      queuedParts: 0,
      expectedDelayMs: hosts > 0 && pace().sync === undefined ? FAKE_DELAY_MS : undefined,
      sync: face.syncState,
      bulk: bulk(),
    }),
  }
  return face
}
