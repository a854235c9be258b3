/** The commands, in the order of the help. @module */
import type { AnyCommand } from '../command.ts'
import { CLOCK_COMMANDS } from './clock.ts'
import { CONTACT_COMMANDS } from './contacts.ts'
import { DAEMON_COMMANDS } from './daemon.ts'
import { HOST_COMMANDS } from './hosts.ts'
import { INVITE_COMMANDS } from './invites.ts'
import { MESSAGE_COMMANDS } from './messages.ts'

export const COMMANDS: readonly AnyCommand[] = [
  ...INVITE_COMMANDS,
  ...CONTACT_COMMANDS,
  ...MESSAGE_COMMANDS,
  ...CLOCK_COMMANDS,
  ...HOST_COMMANDS,
  ...DAEMON_COMMANDS,
]

/** Methods that make no sense as one command, with the reason. */
export const METHODS_WITHOUT_COMMAND = {
  getProfile: '`noctule profile` without a name asks it.',
  unsubscribeReceive: 'A subscription lives as long as its connection, and a command has one of its own.',
} as const

/** The command that a typed word names, if any. */
export function findCommand(name: string): AnyCommand | undefined {
  return COMMANDS.find((command) => command.name === name)
}
