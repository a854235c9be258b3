/**
 * Which profile is in force, and when the next one is.
 * Never changes it at the moment it was asked for: that moment is the user's, the change is the clock's. Spec 02-padding §9.
 * @module
 */
import { attempt, createByteReader, createByteWriter, createMutex } from '../../base/index.ts'
import { DEFAULT_PROFILE, type ProfileName, profileByNumber, profileNumber } from '../../padding/index.ts'
import type { Clock, KeyValueStore, Logger, Random } from '../../ports/index.ts'
import type { ProfileState } from '../api.ts'
import { PROFILE_CHECK_SHARE } from './options.ts'

const STORE_TABLE = 'mailbox-profile'
const STATE_KEY = 'state'
const STATE_VERSION = 1
const NO_CHANGE = 0

export interface ProfileClockDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly store: KeyValueStore
  /** A change takes effect within so long. */
  readonly epochMs: number
}

export interface ProfileClock {
  /** Reads what was saved, once for all calls; what is damaged is as good as nothing. */
  load(): Promise<void>
  state(): ProfileState
  /** Durable when it resolves. @throws {AppError} the codes of `KeyValueStore.batch` */
  set(name: ProfileName): Promise<ProfileState>
  /** Resolves when a change has taken effect; by the wall clock, so that a suspended machine does not put it off. */
  changed(signal: AbortSignal): Promise<void>
}

export function createProfileClock(deps: ProfileClockDeps): ProfileClock {
  const { clock, epochMs, logger, random, store } = deps
  const writing = createMutex()
  let state: ProfileState = { name: DEFAULT_PROFILE, next: undefined }
  let loading: Promise<void> | undefined

  const save = async (after: ProfileState): Promise<void> => {
    await store.batch([{ type: 'put', table: STORE_TABLE, key: STATE_KEY, value: encode(after) }])
    state = after
  }

  const drawTimeMs = (): number => clock.nowMs() + Math.ceil(random.uniform() * epochMs)

  /** A change whose time has come, while the daemon ran or not. */
  const turn = (): Promise<boolean> =>
    writing.run(async () => {
      const { next } = state
      if (next === undefined) return false
      const leftMs = next.atMs - clock.nowMs()
      // No time is drawn so far ahead: the wall clock was put back, and would put the change off by as much.
      if (leftMs > epochMs) await save({ name: state.name, next: { name: next.name, atMs: drawTimeMs() } })
      if (leftMs > 0) return false
      await save({ name: next.name, next: undefined })
      return true
    })

  /** A full disk puts the change off. */
  const tryTurn = async (): Promise<boolean> => {
    let isTurned = false
    await attempt(logger, 'profile not saved', async () => {
      isTurned = await turn()
    })
    return isTurned
  }

  const read = async (): Promise<void> => {
    const bytes = await store.get(STORE_TABLE, STATE_KEY)
    state = (bytes && decode(bytes)) ?? state
    await tryTurn()
  }
  const load = (): Promise<void> => {
    loading ??= read()
    return loading
  }

  return {
    load,
    state: () => state,
    async set(name) {
      // A choice before the start must not take what was chosen in another run away.
      await load()
      return writing.run(async () => {
        if (name === state.name) await save({ name, next: undefined })
        else if (name !== state.next?.name) {
          // The time that was drawn stays: another wish must not be a way to draw until it is soon.
          await save({ name: state.name, next: { name, atMs: state.next?.atMs ?? drawTimeMs() } })
        }
        return state
      })
    },
    async changed(signal) {
      do await clock.sleep(epochMs * PROFILE_CHECK_SHARE, signal)
      while (!(await tryTurn()))
    },
  }
}

function encode({ name, next }: ProfileState): Uint8Array {
  return createByteWriter(1 + 1 + 1 + 8)
    .u8(STATE_VERSION)
    .u8(profileNumber(name))
    .u8(next === undefined ? NO_CHANGE : profileNumber(next.name))
    .u64(next?.atMs ?? 0)
    .finish()
}

function decode(bytes: Uint8Array): ProfileState | undefined {
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const name = profileByNumber(reader.u8())
  const nextName = profileByNumber(reader.u8())
  const atMs = reader.u64()
  if (!reader.end() || version !== STATE_VERSION || name === undefined) return undefined
  return { name, next: nextName === undefined ? undefined : { name: nextName, atMs } }
}
