/**
 * Runs one command of the command line against the daemon.
 * Never does by itself what the daemon can do: it is a thin client of the RPC. Spec 08-rpc §7.
 * @module
 */
import { isAbsolute, join } from 'node:path'
import type { AppError } from '../base/index.ts'
import { isAppError } from '../base/index.ts'
import type { RpcClient } from '../rpc/index.ts'
import { connectRpc, defaultSocketPath } from '../rpc/index.ts'
import type { ParsedArguments } from './arguments.ts'
import { parseArguments, splitCommand } from './arguments.ts'
import type { AnyCommand, View } from './command.ts'
import { findCommand } from './commands/index.ts'
import { usageError } from './errors.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { commandHelp, generalHelp } from './help.ts'
import type { CliEnvironment, CliIo } from './io.ts'
import { resolveNames } from './names.ts'
import { neutralise, safeJson } from './text.ts'

/** Gives the exit code; results are on standard output by then. `argv` begins with the command's name. */
export async function runCli(argv: readonly string[], io: CliIo, env: CliEnvironment): Promise<number> {
  const json = argv.includes('--json')
  try {
    return await dispatch(argv, io, env)
  } catch (error: unknown) {
    if (!isAppError(error)) throw error
    await io.err(json ? `${safeJson({ error: errorFields(error) })}\n` : errorText(error))
    return exitCodeOf(error)
  }
}

async function dispatch(argv: readonly string[], io: CliIo, env: CliEnvironment): Promise<number> {
  const { name, rest } = splitCommand(argv)
  if (name === undefined) {
    if (!rest.includes('--help')) throw usageError('The name of a command is missing.')
    await io.out(generalHelp())
    return EXIT_CODES.ok
  }
  if (name === 'help') {
    const { name: about } = splitCommand(rest)
    await io.out(about === undefined ? generalHelp() : commandHelp(getCommand(about)))
    return EXIT_CODES.ok
  }
  const command = getCommand(name)
  const parsed = parseArguments(command, rest)
  if (parsed.flags.has('help')) {
    await io.out(commandHelp(command))
    return EXIT_CODES.ok
  }
  if (parsed.flags.has('json') && parsed.flags.has('qr')) throw usageError('--qr has no meaning with --json.', name)
  const socketPath = socketPathFor(parsed, env)
  const clients: RpcClient[] = []
  const connect = async (): Promise<RpcClient> => {
    const client = await connectRpc(socketPath)
    clients.push(client)
    return client
  }
  try {
    return await execute(command, parsed, connect, io, createView(io, env))
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

async function execute(
  command: AnyCommand,
  parsed: ParsedArguments,
  connect: () => Promise<RpcClient>,
  io: CliIo,
  view: View,
): Promise<number> {
  const { flags, fromInput } = parsed
  const json = flags.has('json')
  const typed =
    fromInput === undefined
      ? parsed.params
      : { ...parsed.params, [fromInput]: (await io.readInput()).replace(/\r?\n$/, '') }
  const client = await connect()
  // The daemon checks the parameters against the schema that they were read with.
  const { params, subject } = await resolveNames(client, typed)
  const once = async (): Promise<number> => {
    const result = await client.call(command.method, params)
    if (json) {
      await io.out(`${safeJson(result)}\n`)
      return EXIT_CODES.ok
    }
    const shown = await command.show(result, { params, subject, flags, view })
    if (shown.out.length > 0) await io.out(shown.out)
    if (shown.hint !== undefined) await io.err(shown.hint)
    return EXIT_CODES.ok
  }
  return command.run === undefined ? once() : command.run({ client, connect, io, view, json, flags, once }, params)
}

function getCommand(name: string): AnyCommand {
  const command = findCommand(name)
  if (command === undefined) throw usageError('There is no command with this name.')
  return command
}

/** The path that a daemon without configuration listens at, unless the user names another. */
function socketPathFor({ flags }: ParsedArguments, env: CliEnvironment): string {
  const named = flags.get('socket')
  if (typeof named === 'string') {
    if (!isAbsolute(named)) throw usageError('--socket must be an absolute path.')
    return named
  }
  const dataHome = env.XDG_DATA_HOME ?? join(env.HOME ?? '/', '.local', 'share')
  return defaultSocketPath(env, join(dataHome, 'noctule'))
}

function createView(io: CliIo, env: CliEnvironment): View {
  // https://no-color.org: set and not empty.
  const colours = io.outIsTerminal && (env.NO_COLOR ?? '') === ''
  const paint = (code: string) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { nowMs: io.nowMs(), colours, bold: paint('1'), dim: paint('2') }
}

/** What the daemon says is text from outside this process, so it is neutralised like any other. */
function errorText(error: AppError): string {
  return `noctule: ${neutralise(error.message)}\n  ${neutralise(error.remedy)} (${neutralise(error.code)})\n`
}

function errorFields(error: AppError): Readonly<Record<string, unknown>> {
  return { code: error.code, kind: error.kind, message: error.message, remedy: error.remedy, details: error.details }
}

function exitCodeOf(error: AppError): number {
  switch (error.code) {
    case 'CLI_USAGE':
    case 'RPC_PARAMS_INVALID':
      return EXIT_CODES.usage
    case 'RPC_DAEMON_UNREACHABLE':
    case 'RPC_CONNECTION_LOST':
      return EXIT_CODES.unreachable
    default:
      return error.kind === 'retry' ? EXIT_CODES.tryLater : EXIT_CODES.failed
  }
}
