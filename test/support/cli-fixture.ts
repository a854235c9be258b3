/**
 * Runs the command line against a fake messenger and plays transcripts.
 * Never touches the streams of the test process.
 * @module
 */
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { CliEnvironment, CliIo } from '../../src/cli/index.ts'
import { runCli } from '../../src/cli/index.ts'
import { PROFILE_NAMES } from '../../src/messenger/index.ts'
import type { FakeMessenger } from './fake-messenger.ts'
import { FAKE_TIME_MS, NO_COPIES } from './fake-messenger.ts'
import { startRpc } from './rpc-fixture.ts'

export interface TestIo extends CliIo {
  stdout(): string
  stderr(): string
  interrupt(): void
}

export interface TestIoOptions {
  readonly input?: string
  readonly terminal?: boolean
  /** Pieces of output after which nobody reads any more. */
  readonly outMaxCount?: number
}

export function createTestIo({
  input = '',
  terminal = false,
  outMaxCount = Number.POSITIVE_INFINITY,
}: TestIoOptions = {}): TestIo {
  const abort = new AbortController()
  const out: string[] = []
  let err = ''
  return {
    async out(text) {
      if (out.length >= outMaxCount) return false
      out.push(text)
      return true
    },
    async err(text) {
      err += text
    },
    readInput: () => Promise.resolve(input),
    outIsTerminal: terminal,
    signal: abort.signal,
    nowMs: () => FAKE_TIME_MS + 60_000,
    stdout: () => out.join(''),
    stderr: () => err,
    pause: () => turn(),
    interrupt: () => abort.abort(),
  }
}

export interface CliOutcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

export interface CliFixture {
  readonly messenger: FakeMessenger
  readonly env: CliEnvironment
  run(argv: readonly string[], options?: TestIoOptions): Promise<CliOutcome>
}

/** A daemon at the place where the command line looks for it. */
export async function startCli(context: TestContext): Promise<CliFixture> {
  const { messenger, socketPath } = await startRpc(context)
  const env: CliEnvironment = {}
  return {
    messenger,
    env,
    async run(argv, options) {
      const io = createTestIo(options)
      const status = await runCli(['--socket', socketPath, ...argv], io, env)
      return { status, out: io.stdout(), err: io.stderr() }
    },
  }
}

const ID_LENGTH = 32
const DAY_MS = 86_400_000

/** A whole id that begins with what the transcript says. */
export function wholeId(start: string): string {
  return start.padEnd(ID_LENGTH, '0')
}

/**
 * Plays a transcript and writes it again as it turned out. Lines: `;` comment, `%` what happens to the daemon,
 * `$` a command (words in single quotes stay together, `<` gives what stands on standard input), `2>` standard error,
 * `?` an exit status that is not 0, anything else standard output.
 */
export async function playTranscript(fixture: CliFixture, transcript: string): Promise<string> {
  const played: string[] = []
  for (const line of transcript.split('\n')) {
    if (line.startsWith(';') || line === '') played.push(line)
    if (line.startsWith('% ')) {
      happen(fixture.messenger, line.slice(2))
      played.push(line)
    }
    if (!line.startsWith('$ noctule')) continue
    const [command = '', input] = line.slice('$ noctule'.length).split(' < ')
    const { status, out, err } = await fixture.run(words(command), input === undefined ? {} : { input: `${input}\n` })
    played.push(line, ...prefixed(out, ''), ...prefixed(err, '2> '), ...(status === 0 ? [] : [`? ${status}`]))
  }
  return played.join('\n')
}

function prefixed(text: string, prefix: string): readonly string[] {
  if (text === '') return []
  // An empty line would read as the end of the output, so it shows as a dot.
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? `${prefix}.` : prefix + line))
}

const TRANSFER_STATES = ['sending', 'stored', 'waiting', 'downloading', 'complete', 'failed'] as const

function words(text: string): readonly string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

function happen(messenger: FakeMessenger, directive: string): void {
  const [what, id = '', ...rest] = words(directive)
  switch (what) {
    case 'contact': {
      const [alias, state = 'active'] = rest
      const contactId = wholeId(id)
      if (state === 'active') messenger.addContact({ contactId, alias })
      else if (state === 'offline') messenger.addContact({ contactId, alias, laneOpen: false, queuedMessages: 2 })
      else if (state === 'failed') messenger.addContact({ contactId, alias, state, failure: 'INVITE_USED' })
      else if (state === 'requesting') messenger.addContact({ contactId, alias, state, safetyNumber: undefined })
      else throw new RangeError('unknown state')
      return
    }
    case 'request':
      messenger.addRequest({ requestId: wholeId(id), message: rest[0], inviteLabel: rest[1] })
      return
    case 'receive':
      // Backslash escapes, so that a transcript can hold what must not reach a terminal.
      messenger.receive(wholeId(id), JSON.parse(`"${rest.join(' ')}"`) as string)
      return
    case 'file':
      messenger.receiveFile(wholeId(id), JSON.parse(`"${rest.join(' ')}"`) as string)
      return
    case 'move': {
      const [messageId = '', name] = rest
      const state = TRANSFER_STATES.find((each) => each === name)
      if (state === undefined) throw new RangeError('unknown state')
      messenger.moveFile(wholeId(id), messageId, state)
      return
    }
    case 'host':
      messenger.addKnownHost({
        hostKey: id.padEnd(2 * ID_LENGTH, '0'),
        courier: rest[0] === 'courier',
        excluded: rest[0] === 'excluded',
      })
      return
    case 'profile': {
      const name = PROFILE_NAMES.find((each) => each === id)
      if (name === undefined) throw new RangeError('unknown profile')
      messenger.clockFace.state = { name, next: undefined }
      return
    }
    case 'mailbox':
      messenger.mailbox = {
        hosts: 12,
        replicas: 8,
        quorum: 2,
        separation: 'full',
        couriers: [
          { hostKey: '77770001'.padEnd(2 * ID_LENGTH, '0'), stage: 'ready' },
          { hostKey: '77770003'.padEnd(2 * ID_LENGTH, '0'), stage: 'connecting' },
        ],
        tableRoot: 'c4'.repeat(ID_LENGTH),
        tablesAgree: false,
        nextWriteAtMs: FAKE_TIME_MS + 81_000,
        nextReadAtMs: FAKE_TIME_MS + 69_000,
        loopReturn: 0.985,
        lastError: 'LINK_CLOSED',
      }
      return
    case 'deliver': {
      const [messageId = '', delivery] = rest
      const untilMs = FAKE_TIME_MS + 14 * DAY_MS
      if (delivery === 'stored') {
        messenger.deliver(wholeId(id), messageId, { delivery, stored: { replicas: 8, wanted: 8, untilMs } })
      } else if (delivery === 'failed') {
        messenger.deliver(wholeId(id), messageId, { delivery, failure: 'CONTACT_FAILED' })
      } else throw new RangeError('unknown delivery')
      return
    }
    case 'delivered':
      messenger.emit({
        type: 'delivery',
        contactId: wholeId(id),
        messageId: wholeId(rest[0] ?? ''),
        delivery: 'delivered',
        ...NO_COPIES,
      })
      return
    default:
      throw new RangeError('unknown directive')
  }
}
