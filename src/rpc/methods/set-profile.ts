/**
 * Asks for another profile.
 * Never changes the rhythm now: the moment is the user's, the change is the clock's.
 * @module
 */
import { changeResult, profileChange, profileName } from '../clock-models.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { PROFILE_NOTICE } from '../profile-words.ts'
import { object, optional, string } from '../schema/index.ts'

export const setProfile = defineMethod({
  name: 'setProfile',
  summary:
    'The choice is on disk; it takes effect at a random time within six hours, and the new rhythm is seen by whoever watches the line.',
  network: 'slot',
  params: object({ profile: profileName }),
  result: object({
    profile: profileName,
    next: optional(profileChange),
    notice: string({ description: 'What a change shows, for people.' }),
  }),
  errors: [],
  example: {
    params: { profile: 'low' } as const,
    result: {
      profile: 'balanced',
      next: { profile: 'low', atMs: example.TIME_MS + 7_200_000 },
      notice: PROFILE_NOTICE,
    },
  },
  async handler({ messenger }, { profile }) {
    const { name, next } = await messenger.setProfile(profile)
    return withoutUndefined({ profile: name, next: changeResult(next), notice: PROFILE_NOTICE })
  },
})
