/**
 * Reads the words of a command line.
 * Never guesses: an unknown option, a missing value or a word too many is a usage error. Spec 08-rpc §7.
 * @module
 */
import type { AnyCommand, FlagSpec } from './command.ts'
import { usageError } from './errors.ts'
import type { Parameter } from './parameters.ts'
import { commandParameters } from './parameters.ts'

export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: 'json', value: undefined, description: 'Print the raw result, one JSON value a line.' },
  { name: 'socket', value: 'PATH', description: 'RPC socket of the daemon.' },
  { name: 'help', value: undefined, description: 'Show help and do nothing.' },
]

export interface ParsedArguments {
  readonly params: Readonly<Record<string, unknown>>
  readonly flags: ReadonlyMap<string, string | true>
  /** Name of the one parameter whose value stands on standard input (`-`). */
  readonly fromInput: string | undefined
}

/** Splits the options that any command takes from the name of the command and from the rest. */
export function splitCommand(argv: readonly string[]): {
  readonly name: string | undefined
  readonly rest: readonly string[]
} {
  const before: string[] = []
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? ''
    if (!word.startsWith('-')) return { name: word, rest: [...before, ...argv.slice(index + 1)] }
    before.push(word)
    if (word === '--socket' && index + 1 < argv.length) {
      index += 1
      before.push(argv[index] ?? '')
    }
  }
  return { name: undefined, rest: before }
}

/** @throws {AppError} `CLI_USAGE` */
export function parseArguments(command: AnyCommand, words: readonly string[]): ParsedArguments {
  const parameters = commandParameters(command)
  const flagSpecs = [...command.flags, ...GLOBAL_FLAGS]
  const params = new Map<string, unknown>()
  const flags = new Map<string, string | true>()
  const plain: string[] = []
  const fail = (why: string): never => {
    throw usageError(why, command.name)
  }
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      plain.push(...queue.splice(0))
      break
    }
    if (!word.startsWith('--')) {
      plain.push(word)
      continue
    }
    const [name, inline] = splitOnce(word.slice(2))
    const flag = flagSpecs.find((spec) => spec.name === name)
    const parameter = parameters.find((candidate) => !candidate.positional && candidate.option === name)
    if (flag === undefined && parameter === undefined) {
      fail('Unknown option. Text that begins with two dashes goes behind `--`.')
    }
    if (flag?.value === undefined && parameter === undefined) {
      if (inline !== undefined) fail(`--${flag?.name ?? ''} takes no value.`)
      flags.set(flag?.name ?? '', true)
      continue
    }
    const known = flag?.name ?? parameter?.option ?? ''
    const next = inline === undefined && queue[0]?.startsWith('--') === true ? undefined : (inline ?? queue.shift())
    const value = next ?? fail(`--${known} needs a value.`)
    if (flag?.choices?.includes(value) === false) fail(`--${known} must be one of ${flag.choices.join(', ')}.`)
    if (flag !== undefined) flags.set(known, value)
    else if (parameter !== undefined) params.set(parameter.name, parameter.parse(value))
  }
  if (flags.has('help')) return { params: {}, flags, fromInput: undefined }
  const fromInput = takePositionals(parameters, plain, params, fail)
  return { params: Object.fromEntries(params), flags, fromInput }
}

function takePositionals(
  parameters: readonly Parameter[],
  plain: readonly string[],
  params: Map<string, unknown>,
  fail: (why: string) => never,
): string | undefined {
  const words = [...plain]
  let fromInput: string | undefined
  for (const parameter of parameters) {
    if (!parameter.positional) {
      if (parameter.required && !params.has(parameter.name)) fail(`--${parameter.option} is missing.`)
      continue
    }
    const taken = parameter.rest ? words.splice(0) : words.splice(0, 1)
    if (taken.length === 0) {
      if (parameter.required) fail(`${parameter.placeholder} is missing.`)
      continue
    }
    if (parameter.rest && taken.length === 1 && taken[0] === '-') fromInput = parameter.name
    else params.set(parameter.name, parameter.parse(taken.join(' ')))
  }
  if (words.length > 0) fail('There are words too many.')
  return fromInput
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const index = text.indexOf('=')
  return index === -1 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)]
}
