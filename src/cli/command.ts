/**
 * What a command is: a method of the RPC, the way its parameters are typed, and the way its result is shown.
 * Never a second description of the method: names, summaries and forms of parameters come from the registry.
 * @module
 */
import type { RpcClient, RpcMethodName, RpcParams, RpcResult } from '../rpc/index.ts'
import type { CliIo } from './io.ts'

/** An option of the command line that is no parameter of the method. */
export interface FlagSpec {
  readonly name: string
  /** Undefined for a switch, else what the value is, in capitals. */
  readonly value: string | undefined
  readonly choices?: readonly string[]
  readonly description: string
}

export type Flags = ReadonlyMap<string, string | true>

export interface View {
  readonly nowMs: number
  readonly colours: boolean
  bold(text: string): string
  dim(text: string): string
}

export interface ShowContext<Params> {
  readonly params: Params
  /** What the user called the contact, invite or request that the command is about, ready to be printed. */
  readonly subject: string
  readonly flags: Flags
  readonly view: View
}

export interface Shown {
  /** For standard output. */
  readonly out: string
  /** Hints for standard error: what to do next. */
  readonly hint?: string
}

export interface RunContext {
  readonly client: RpcClient
  /** A further connection, closed with the command. */
  readonly connect: () => Promise<RpcClient>
  readonly io: CliIo
  readonly view: View
  readonly json: boolean
  readonly flags: Flags
  /** What a command without a `run` does: one call, shown. Gives the exit code. */
  readonly once: () => Promise<number>
}

export interface CommandOptions<Params, Result> {
  /** The method's name in kebab-case when absent. */
  readonly name?: string
  /** Parameters that are typed without an option, in order; the last one takes all words that are left if it is a text. */
  readonly positionals?: readonly (keyof Params & string)[]
  /** Parameters that may be left out although the method wants them: `run` knows what to do then. */
  readonly omissible?: readonly (keyof Params & string)[]
  /** Options that are called otherwise than their parameter. */
  readonly optionNames?: { readonly [Name in keyof Params & string]?: string }
  readonly flags?: readonly FlagSpec[]
  /** A sentence or two under the summary. */
  readonly note?: string
  show(result: Result, context: ShowContext<Params>): Shown | Promise<Shown>
  /** Instead of one call; gives the exit code. */
  run?(context: RunContext, params: Params): Promise<number>
}

/** A command whose types are known to its own definition only. */
export interface AnyCommand
  extends Omit<CommandOptions<unknown, unknown>, 'positionals' | 'omissible' | 'optionNames'> {
  readonly method: RpcMethodName
  readonly name: string
  readonly positionals: readonly string[]
  readonly omissible: readonly string[]
  readonly optionNames: Readonly<Record<string, string | undefined>>
  readonly flags: readonly FlagSpec[]
}

/** Checks by type that positionals and output fit the method, and fills in what follows from its name. */
export function defineCommand<Name extends RpcMethodName>(
  method: Name,
  options: CommandOptions<RpcParams<Name>, RpcResult<Name>>,
): AnyCommand {
  return {
    ...(options as CommandOptions<unknown, unknown>),
    method,
    name: options.name ?? kebabCase(method),
    positionals: options.positionals ?? [],
    omissible: options.omissible ?? [],
    optionNames: options.optionNames ?? {},
    flags: options.flags ?? [],
  }
}

export function kebabCase(camelCase: string): string {
  return camelCase.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
