/**
 * Help texts, made from the same descriptions as the commands themselves.
 * Never lists a command that does not exist.
 * @module
 */
import { findMethod } from '../rpc/index.ts'
import { GLOBAL_FLAGS } from './arguments.ts'
import type { AnyCommand, FlagSpec } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { EXIT_CODES } from './exit-codes.ts'
import type { Parameter } from './parameters.ts'
import { commandParameters } from './parameters.ts'
import { table } from './text.ts'

const INDENT = '  '

/** The overview. */
export function generalHelp(): string {
  const rows = COMMANDS.map((command) => [INDENT + synopsis(command), summary(command)])
  return [
    'noctule: messages between people, over Tor, without a server.\n',
    '\nUsage: noctule COMMAND [OPTIONS]\n\n',
    table(['Commands', ''], [[`${INDENT}daemon [OPTIONS]`, 'Run the daemon; everything else talks to it.'], ...rows]),
    '\n',
    table(['Options of every command', ''], GLOBAL_FLAGS.map(flagRow)),
    '\n`noctule help COMMAND` tells more. Results go to standard output, everything else to standard error.\n',
    '\nExit status: ',
    `${EXIT_CODES.ok} done, ${EXIT_CODES.failed} refused, ${EXIT_CODES.usage} mistake in the command line, `,
    `${EXIT_CODES.unreachable} no daemon answers, ${EXIT_CODES.tryLater} refused for now: try again later.\n`,
  ].join('')
}

/** Everything about one command. */
export function commandHelp(command: AnyCommand): string {
  const parameters = commandParameters(command)
  const positionals = parameters.filter(({ positional }) => positional)
  const options = [
    ...parameters.filter(({ positional }) => !positional).map(optionRow),
    ...[...command.flags, ...GLOBAL_FLAGS].map(flagRow),
  ]
  const parts = [`Usage: noctule ${synopsis(command)} [OPTIONS]\n`, `\n${summary(command)}\n`]
  if (command.note !== undefined) parts.push(`${command.note}\n`)
  if (positionals.length > 0) {
    parts.push(
      '\n',
      table(
        ['Arguments', ''],
        positionals.map((one) => [INDENT + one.placeholder, describe(one)]),
      ),
    )
  }
  parts.push('\n', table(['Options', ''], options))
  return parts.join('')
}

function synopsis(command: AnyCommand): string {
  const words = commandParameters(command)
    .filter(({ positional }) => positional)
    .map(({ placeholder, rest, required }) => {
      const word = rest && placeholder === 'TEXT' ? `${placeholder}…` : placeholder
      return required ? word : `[${word}]`
    })
  return [command.name, ...words].join(' ')
}

function summary(command: AnyCommand): string {
  return findMethod(command.method)?.summary ?? ''
}

function describe(parameter: Parameter): string {
  return parameter.rest ? `${parameter.description} \`-\` reads it from standard input.` : parameter.description
}

function optionRow(parameter: Parameter): readonly string[] {
  const required = parameter.required ? ' Required.' : ''
  return [`${INDENT}--${parameter.option} ${parameter.placeholder}`, parameter.description + required]
}

function flagRow(flag: FlagSpec): readonly string[] {
  const value = flag.value === undefined ? '' : ` ${flag.value}`
  return [`${INDENT}--${flag.name}${value}`, flag.description]
}
