/**
 * Tells the profile in force, the one to come, and what all of them cost and give.
 * Never only the good side: each says what it does not protect against.
 * @module
 */
import { changeResult, profileChange, profileDetails, profileName, profileResult } from '../clock-models.ts'
import { withoutUndefined } from '../defined.ts'
import { defineMethod } from '../method.ts'
import { describeProtection, PROFILE_NOTICE } from '../profile-words.ts'
import { array, integer, object, optional, string } from '../schema/index.ts'

const EXAMPLE = {
  profile: 'low',
  writeMeanMs: 600_000,
  readMeanMs: 300_000,
  law: 'jittered',
  courierDelayMs: 5_000,
  lanes: [{ lane: 'write', bytesPerDay: 643_392 }],
  bytesPerDay: 1_965_920,
  bytesPer30Days: 58_977_600,
  hot: { earlyMs: 226_000, expectedMs: 635_000, lateMs: 1_109_000 },
  cold: { earlyMs: 432_000, expectedMs: 915_000, lateMs: 1_469_000 },
  protects: describeProtection('low'),
} as const

export const getProfile = defineMethod({
  name: 'getProfile',
  summary: 'The rhythm in which records leave, a change that is to come, and all profiles with their price and delays.',
  network: 'none',
  params: object({}),
  result: object({
    profile: profileName,
    next: optional(profileChange),
    inForce: profileDetails,
    available: array(profileDetails),
    laneBytesPerDay: integer({
      description: 'What an open lane with one contact spends beside the profile in a day, both ways.',
      minimum: 0,
    }),
    notice: string({ description: 'What a change shows, for people.' }),
  }),
  errors: [],
  example: {
    params: {},
    result: {
      profile: 'low',
      inForce: EXAMPLE,
      available: [EXAMPLE],
      laneBytesPerDay: 120_000_000,
      notice: PROFILE_NOTICE,
    },
  },
  handler({ messenger }) {
    const { available, inForce, laneBytesPerDay, name, next } = messenger.profile()
    return withoutUndefined({
      profile: name,
      next: changeResult(next),
      inForce: profileResult(inForce),
      available: available.map((each) => profileResult(each)),
      laneBytesPerDay: Math.round(laneBytesPerDay),
      notice: PROFILE_NOTICE,
    })
  },
})
