/**
 * What can go wrong when we encode something of our own.
 * Never used for foreign bytes: decoders return undefined. HOUSE §4.4.
 * @module
 */
import { createErrorFactory, type ErrorTable } from '../base/index.ts'

export const WIRE_ERRORS = {
  WIRE_CONTENT_TOO_LONG: {
    kind: 'user',
    why: 'The content is longer than its fixed-size layout can carry.',
    remedy: 'Shorten the text or send it in several messages.',
  },
} as const satisfies ErrorTable

export const wireError = createErrorFactory(WIRE_ERRORS)
