import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { runCli } from '../../../src/cli/index.ts'
import type { Delivery } from '../../../src/messenger/index.ts'
import { createTestIo, startCli, wholeId } from '../../support/cli-fixture.ts'
import type { FakeMessenger } from '../../support/fake-messenger.ts'
import { FAKE_TIME_MS } from '../../support/fake-messenger.ts'
import { startRpc, until } from '../../support/rpc-fixture.ts'

const BOB = wholeId('b0b')
const stored = { replicas: 8, wanted: 8, untilMs: FAKE_TIME_MS + 60_000 + 14 * 86_400_000 }

/** Runs `send --wait` and lets `steps` happen to the message once it was sent. */
async function waitFor(
  context: TestContext,
  argv: readonly string[],
  steps: (messenger: FakeMessenger, messageId: string, interrupt: () => void) => void | Promise<void>,
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  const { messenger, socketPath } = await startRpc(context)
  messenger.addContact({ contactId: BOB, alias: 'Bob' })
  const io = createTestIo()
  const running = runCli(['--socket', socketPath, 'send', 'Bob', 'hello', ...argv], io, {})
  await until(() => io.stdout() !== '')
  const [message] = await messenger.listMessages({ contactId: BOB })
  assert.ok(message)
  await steps(messenger, message.messageId, () => io.interrupt())
  return { status: await running, out: io.stdout(), err: io.stderr() }
}

function walk(messenger: FakeMessenger, messageId: string, ...states: readonly Partial<Delivery>[]): void {
  for (const state of states) messenger.deliver(BOB, messageId, state)
}

describe('send --wait', () => {
  it('tells each state and ends with the one that was asked for', async (context) => {
    const { status, out, err } = await waitFor(context, ['--wait', 'delivered'], (messenger, id) => {
      walk(messenger, id, { delivery: 'sent' }, { delivery: 'stored', stored })
      messenger.emit({ type: 'expiring', contactId: BOB, messageId: id, untilMs: stored.untilMs })
      walk(messenger, id, { delivery: 'delivered' }, { delivery: 'read' })
    })
    assert.equal(
      out,
      'waiting\nsent, no host has confirmed it yet\nstored 8 of 8, ends in 14 d\nits copies end in 14 d\ndelivered\n',
    )
    assert.deepEqual([status, err], [0, ''])
  })

  it('takes a state beyond the one that was asked for', async (context) => {
    const { status, out } = await waitFor(context, ['--wait', 'stored'], (messenger, id) => {
      walk(messenger, id, { delivery: 'delivered' })
    })
    assert.deepEqual([status, out], [0, 'waiting\ndelivered\n'])
  })

  it('does not take the news of another message for its own', async (context) => {
    const { status, out } = await waitFor(context, ['--wait', 'stored'], (messenger, id) => {
      walk(messenger, wholeId('fff'), { delivery: 'read' })
      messenger.receive(BOB, 'hi')
      walk(messenger, id, { delivery: 'failed', failure: 'CONTACT_FAILED' })
    })
    assert.deepEqual([status, out], [1, 'waiting\nfailed: CONTACT_FAILED\n'])
  })

  it('says why it waits and when it is tried again', async (context) => {
    const { out } = await waitFor(context, ['--wait', 'stored'], (messenger, id) => {
      walk(messenger, id, { failure: 'HOSTS_FULL', retryAfterMs: 120_000 }, { delivery: 'stored', stored })
    })
    assert.equal(out, 'waiting\nwaiting: HOSTS_FULL, again in 2 min\nstored 8 of 8, ends in 14 d\n')
  })

  it('ends when it is interrupted, and does not call that done', async (context) => {
    const { status, err } = await waitFor(context, ['--wait', 'read'], (messenger, id, interrupt) => {
      walk(messenger, id, { delivery: 'delivered' })
      interrupt()
    })
    assert.deepEqual([status, err], [1, 'Not read yet; the message goes its way without this command.\n'])
  })

  it('prints events as they came with --json', async (context) => {
    const { out } = await waitFor(context, ['--wait', 'stored', '--json'], (messenger, id) => {
      walk(messenger, id, { delivery: 'stored', stored })
    })
    const lines = out.trim().split('\n')
    assert.equal(lines.length, 2)
    const [sent, event] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.equal(sent?.['delivery'], 'queued')
    assert.equal(event?.['method'], 'event')
  })

  it('goes on from where a repeated message has come', async (context) => {
    const fixture = await startCli(context)
    fixture.messenger.addContact({ contactId: BOB, alias: 'Bob' })
    const send = fixture.messenger.send
    fixture.messenger.send = async (options) => ({ ...(await send(options)), delivery: 'delivered', repeated: true })
    const { status, out } = await fixture.run(['send', 'Bob', 'hello', '--wait', 'stored'])
    assert.deepEqual([status, out], [0, 'delivered\n'])
  })

  it('refuses a state that nobody can wait for', async (context) => {
    const fixture = await startCli(context)
    const { status, err } = await fixture.run(['send', 'Bob', 'hello', '--wait', 'queued'])
    assert.equal(status, 2)
    assert.match(err, /--wait must be one of stored, delivered, read/)
  })
})
