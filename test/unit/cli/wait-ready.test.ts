import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { runCli } from '../../../src/cli/index.ts'
import type { MailboxStatus, MessengerStatus } from '../../../src/messenger/index.ts'
import { createTestIo } from '../../support/cli-fixture.ts'
import type { FakeMessenger } from '../../support/fake-messenger.ts'
import { startRpc, until } from '../../support/rpc-fixture.ts'

const HOST = '7'.repeat(64)

interface Waiting {
  readonly messenger: FakeMessenger
  readonly io: ReturnType<typeof createTestIo>
  readonly ended: Promise<number>
  setTor(tor: Partial<MessengerStatus['tor']>): void
  setCourier(stage: MailboxStatus['couriers'][number]['stage']): void
}

async function startWaiting(context: TestContext, ...options: readonly string[]): Promise<Waiting> {
  const { messenger, socketPath } = await startRpc(context)
  const { status } = messenger
  let tor = status().tor
  messenger.status = () => ({ ...status(), tor })
  messenger.addKnownHost({ hostKey: HOST })
  const io = createTestIo()
  return {
    messenger,
    io,
    ended: runCli(['--socket', socketPath, 'status', '--wait', ...options], io, {}),
    setTor(change) {
      tor = { ...tor, ...change }
    },
    setCourier(stage) {
      messenger.mailbox = { ...messenger.mailbox, couriers: [{ hostKey: HOST, stage }] }
    },
  }
}

describe('status --wait', () => {
  it('tells each stage once, and ends when tor and a courier are ready', async (context) => {
    const { io, ended, setTor, setCourier } = await startWaiting(context)
    await until(() => io.stderr().includes('45 %'))
    setTor({ stage: 'ready' })
    await until(() => io.stderr().includes('connected to'))
    for (const stage of ['working', 'connecting', 'opening'] as const) {
      const before = io.stderr()
      setCourier(stage)
      await until(() => io.stderr() !== before)
    }
    assert.equal(io.stdout(), '')
    setCourier('ready')
    assert.equal(await ended, 0)
    assert.deepEqual(io.stderr().split('\n').slice(0, -1), [
      'tor: connecting to the Tor network (45 %, requesting_descriptors)',
      'tor: connected to the Tor network',
      'courier 77777777: working out the proof that it asks for',
      'courier 77777777: connecting',
      'courier 77777777: connected, opening',
      'courier 77777777: ready',
    ])
    assert.match(io.stdout(), /^Couriers {2}77777777: ready$/m)
  })

  it('is not ready while tor is not, whatever couriers say', async (context) => {
    const { io, ended, setCourier, setTor } = await startWaiting(context, '--json')
    setCourier('ready')
    await until(() => io.stderr().includes('"ready"'))
    assert.equal(io.stdout(), '')
    setTor({ stage: 'ready' })
    assert.equal(await ended, 0)
    assert.deepEqual(JSON.parse(io.stderr().split('\n')[1] ?? ''), { what: 'courier 77777777', stage: 'ready' })
  })

  it('ends when it is interrupted, and does not call that ready', async (context) => {
    const { io, ended } = await startWaiting(context)
    await until(() => io.stderr() !== '')
    io.interrupt()
    assert.equal(await ended, 1)
    assert.equal(io.stdout(), '')
  })
})
