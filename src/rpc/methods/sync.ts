/**
 * Runs the slots of one sync, where the profile runs none by itself.
 * Never more or fewer slots for what waits.
 * @module
 */
import { syncState } from '../clock-models.ts'
import { defineMethod } from '../method.ts'
import { SYNC_NOTICE } from '../profile-words.ts'
import { object, string } from '../schema/index.ts'

export const sync = defineMethod({
  name: 'sync',
  summary:
    'With profile manual, the slots of one sync run soon, always as many; it is you who makes them leave, and whoever watches the line sees that you did.',
  network: 'slot',
  params: object({}),
  result: object({ state: syncState, notice: string({ description: 'What a sync shows, for people.' }) }),
  errors: ['PROFILE_NOT_MANUAL'],
  example: { params: {}, result: { state: 'connecting', notice: SYNC_NOTICE } as const },
  handler: ({ messenger }) => ({ state: messenger.sync(), notice: SYNC_NOTICE }),
})
