/**
 * The parameters of a command as its method's schema has them, in the form in which they are typed.
 * Never adds a rule: values are checked by the daemon, with the same schema.
 * @module
 */
import { resolve } from 'node:path'
import type { Schema, SchemaNode } from '../rpc/index.ts'
import { findMethod } from '../rpc/index.ts'
import type { AnyCommand } from './command.ts'
import { kebabCase } from './command.ts'
import { usageError } from './errors.ts'
import { parseDuration } from './time.ts'

export interface Parameter {
  readonly name: string
  readonly required: boolean
  readonly positional: boolean
  /** Takes all words that are left. */
  readonly rest: boolean
  /** Without the dashes. */
  readonly option: string
  /** What is typed, in capitals. */
  readonly placeholder: string
  readonly description: string
  /** @throws {AppError} `CLI_USAGE` */
  parse(text: string): unknown
}

const DURATION_SUFFIX = /Ms$/

/** Positionals first and in order, then options in the order of the schema. */
export function commandParameters(command: AnyCommand): readonly Parameter[] {
  const node = findMethod(command.method)?.params.node
  if (node?.kind !== 'object') return []
  const all = [
    ...[...node.required].map(([name, schema]) => ({ name, schema, required: !command.omissible.includes(name) })),
    ...[...node.optional].map(([name, schema]) => ({ name, schema, required: false })),
  ]
  const { positionals } = command
  const rank = (name: string): number => (positionals.includes(name) ? positionals.indexOf(name) : positionals.length)
  return all
    .sort((a, b) => rank(a.name) - rank(b.name))
    .map(({ name, schema, required }) => {
      const isLast = positionals.at(-1) === name
      const isPositional = positionals.includes(name)
      const option = command.optionNames[name] ?? kebabCase(name.replace(DURATION_SUFFIX, ''))
      const placeholder = placeholderOf(name, schema.node)
      return {
        name,
        required,
        positional: isPositional,
        rest: isLast && schema.node.kind === 'string' && schema.node.pattern === undefined,
        option,
        placeholder,
        description: describe(name, schema),
        parse(text) {
          const value = parseValue(name, schema.node, text)
          if (value !== undefined) return value
          const form = formOf(name, schema.node)
          throw usageError(`${isPositional ? placeholder : `--${option}`} must be ${form}.`, command.name)
        },
      }
    })
}

/** Names of things on this machine are typed as ids, beginnings of ids, or the user's own words. */
const PLACEHOLDERS: ReadonlyMap<string, string> = new Map([
  ['recipient', 'CONTACT'],
  ['inviteId', 'INVITE'],
  ['requestId', 'REQUEST'],
  ['message', 'TEXT'],
  ['client', 'NAME'],
  ['idempotencyKey', 'KEY'],
  ['alias', 'NAME'],
  ['host', 'HOST'],
  ['upTo', 'POSITION'],
  ['messageId', 'MESSAGE'],
  ['minutes', 'N'],
  ['bytes', 'N'],
  ['profile', 'NAME'],
])

function placeholderOf(name: string, node: SchemaNode): string {
  const known = PLACEHOLDERS.get(name)
  if (known !== undefined) return known
  if (DURATION_SUFFIX.test(name)) return 'DURATION'
  if (node.kind === 'boolean') return 'on|off'
  return node.kind === 'integer' ? 'NUMBER' : name.toUpperCase()
}

function describe(name: string, schema: Schema<unknown>): string {
  const { description = '' } = schema
  if (name === 'recipient') return 'Alias of a contact, its id, or the beginning of its id.'
  if (name === 'inviteId') return 'Label of an invite, its id, or the beginning of its id.'
  if (name === 'messageId') return 'Position of a message as `list-messages` shows it, or its id.'
  if (name === 'path') return 'Path of a file; from the working directory unless it begins at the root.'
  if (name === 'requestId') return 'Id of a contact request, or the beginning of it.'
  return DURATION_SUFFIX.test(name)
    ? `${description.replace(/, in milliseconds/, '')} For instance 30m, 12h, 7d.`
    : description
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['off', false],
])

function formOf(name: string, node: SchemaNode): string {
  if (node.kind === 'boolean') return 'on or off'
  if (name === 'path') return 'a path'
  return DURATION_SUFFIX.test(name) ? 'a duration such as 30m, 12h or 7d' : 'a whole number'
}

/** Undefined for what does not have the form. */
function parseValue(name: string, node: SchemaNode, text: string): unknown {
  if (node.kind === 'boolean') return SWITCH.get(text)
  // The daemon has a working directory of its own.
  if (name === 'path') return text === '' ? undefined : resolve(text)
  if (node.kind !== 'integer') return text
  if (DURATION_SUFFIX.test(name)) return parseDuration(text)
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}
