/**
 * Why a daemon does not start.
 * Never prints configuration values. HOUSE §4.4.
 * @module
 */
import type { ErrorTable } from '../base/index.ts'
import { createErrorFactory } from '../base/index.ts'

export const DAEMON_ERRORS = {
  CONFIG_UNREADABLE: {
    kind: 'environment',
    why: 'The configuration file cannot be read.',
    remedy: 'Check the path given with --config and its permissions.',
  },
  CONFIG_SYNTAX: {
    kind: 'user',
    why: 'The configuration file is not valid JSON.',
    remedy: 'Correct it; --check-config tells whether it is accepted.',
  },
  CONFIG_INVALID: {
    kind: 'user',
    why: 'The configuration has an unknown key or a value of the wrong form.',
    remedy: 'Correct the keys that are listed; --check-config tells whether it is accepted.',
  },
  DAEMON_USAGE: {
    kind: 'user',
    why: 'The command line has an unknown option or a missing value.',
    remedy: 'See `noctule daemon --help`.',
  },
  DAEMON_DIRECTORY: {
    kind: 'environment',
    why: 'The data directory cannot be made.',
    remedy: 'Choose a directory in a place that this user may write to.',
  },
  DAEMON_SECRET_FILE: {
    kind: 'user',
    why: 'A file with a passphrase or password is empty or cannot be read.',
    remedy: 'Put it on the first line of the file and check the permissions.',
  },
} as const satisfies ErrorTable

export const daemonError = createErrorFactory(DAEMON_ERRORS)
