/**
 * What can go wrong before the daemon is asked.
 * Never repeats what was typed. HOUSE §4.4.
 * @module
 */
import type { ErrorTable } from '../base/index.ts'
import { AppError, createErrorFactory } from '../base/index.ts'

export const CLI_ERRORS = {
  CLI_USAGE: {
    kind: 'user',
    why: 'The command line has a mistake.',
    remedy: 'See `noctule help`.',
  },
  CLI_CONTACT_UNKNOWN: {
    kind: 'user',
    why: 'No contact has this id, alias or beginning of an id.',
    remedy: 'See `noctule list-contacts`.',
  },
  CLI_MESSAGE_UNKNOWN: {
    kind: 'user',
    why: 'The conversation has no message at this position.',
    remedy: 'See `noctule list-messages`; give the number behind # or the whole id.',
  },
  CLI_INVITE_UNKNOWN: {
    kind: 'user',
    why: 'No invite has this id, label or beginning of an id.',
    remedy: 'See `noctule list-invites`.',
  },
  CLI_REQUEST_UNKNOWN: {
    kind: 'user',
    why: 'No contact request has this id or beginning of an id.',
    remedy: 'See `noctule list-requests`.',
  },
  CLI_NAME_AMBIGUOUS: {
    kind: 'user',
    why: 'More than one fits this name.',
    remedy: 'Give the whole id, or more of it.',
  },
  CLI_INTERRUPTED: {
    kind: 'user',
    why: 'Interrupted; nothing was done.',
    remedy: 'Run the command again.',
  },
  CLI_INPUT_INVALID: {
    kind: 'user',
    why: 'The standard input is not text in UTF-8 or longer than a request may be.',
    remedy: 'Give a shorter text.',
  },
  CLI_OUTPUT_FAILED: {
    kind: 'environment',
    why: 'The result could not be written to standard output; the daemon may have done what was asked.',
    remedy: 'Free space where the output goes and look at the state before you run the command again.',
  },
} as const satisfies ErrorTable

export const cliError = createErrorFactory(CLI_ERRORS)

/** A mistake in the command line, in words made of our own option and parameter names only. */
export function usageError(why: string, command?: string): AppError {
  const remedy = command === undefined ? CLI_ERRORS.CLI_USAGE.remedy : `See \`noctule help ${command}\`.`
  return new AppError('CLI_USAGE', { kind: 'user', why, remedy })
}
