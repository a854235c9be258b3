/**
 * What a command needs of the process around it, so that commands can be tested without one.
 * Never closes the streams it was given, but for an input that nobody waits for any more.
 * @module
 */
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { isAbortError, utf8Decode } from '../base/index.ts'
import type { SocketPathEnvironment } from '../rpc/index.ts'
import { RPC_LIMITS } from '../rpc/index.ts'
import { cliError } from './errors.ts'

export interface CliIo {
  /** Results. Resolves when the text was taken; false when nobody reads any more. @throws {AppError} `CLI_OUTPUT_FAILED` */
  out(text: string): Promise<boolean>
  /** Everything else that is said. */
  err(text: string): Promise<void>
  /** The whole standard input as text. @throws {AppError} `CLI_INPUT_INVALID`, `CLI_INTERRUPTED` */
  readInput(): Promise<string>
  readonly outIsTerminal: boolean
  /** Aborted when the user wants a running command to end. */
  readonly signal: AbortSignal
  nowMs(): number
  /** Resolves after that time, or when the user wants the command to end. */
  pause(durationMs: number): Promise<void>
}

export interface CliEnvironment extends SocketPathEnvironment {
  readonly HOME?: string | undefined
  readonly XDG_DATA_HOME?: string | undefined
  readonly NO_COLOR?: string | undefined
}

export interface StreamIoDeps {
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>
}

/** The real thing, over the streams of a process. */
export function createStreamIo(deps: StreamIoDeps): CliIo {
  const { stdin, stdout, stderr } = deps
  // The callbacks of the writes tell; without listeners the same errors would end the process.
  stdout.on('error', () => undefined)
  stderr.on('error', () => undefined)
  return {
    async out(text) {
      const error = await new Promise<unknown>((resolve) => {
        stdout.write(text, (failure) => resolve(failure ?? undefined))
      })
      if (error === undefined) return true
      // `noctule … | head` closes our output early; that ends the command and is no failure of ours.
      if (isClosedByReader(error)) return false
      throw cliError('CLI_OUTPUT_FAILED', { cause: error })
    },
    async err(text) {
      await new Promise<void>((resolve) => {
        stderr.write(text, () => resolve())
      })
    },
    readInput: () => readAll(stdin, deps.signal),
    outIsTerminal: stdout.isTTY === true,
    signal: deps.signal,
    nowMs: deps.nowMs,
    async pause(durationMs) {
      try {
        await deps.sleep(durationMs, deps.signal)
      } catch (error: unknown) {
        if (!isAbortError(error)) throw error
      }
    },
  }
}

const CLOSED_CODES: readonly unknown[] = ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']

function isClosedByReader(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CLOSED_CODES.includes(error.code)
}

async function readAll(stdin: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  stdin.on('data', (chunk: Buffer | string) => {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length <= RPC_LIMITS.lineBytes) chunks.push(bytes)
    else stdin.pause()
  })
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  if (!stdin.readableEnded) await Promise.race([once(stdin, 'end'), once(stdin, 'pause'), aborted])
  if (signal.aborted) {
    stdin.destroy()
    throw cliError('CLI_INTERRUPTED')
  }
  const text = length > RPC_LIMITS.lineBytes ? undefined : utf8Decode(Buffer.concat(chunks))
  if (text === undefined) throw cliError('CLI_INPUT_INVALID')
  return text
}
