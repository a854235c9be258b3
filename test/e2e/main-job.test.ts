/**
 * The main job over real Tor: pair by an invite, talk both ways, stop, start, go on; and the same through the demo.
 * @module
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  createPublishedInvite,
  type DaemonProcess,
  NETWORK_LIMIT_MS,
  startDaemon,
  waitFor,
} from '../support/daemon-process.ts'
import { type TornetClient, useTornet } from '../support/tornet/index.ts'

const DEMO = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))

const root = mkdtempSync(join(tmpdir(), 'noctule-main-'))
after(() => rmSync(root, { recursive: true, force: true }))

const startAt = (name: string, client: TornetClient): Promise<DaemonProcess> =>
  startDaemon({
    directory: join(root, name),
    tor: { mode: 'attach', control: client.controlPath, socks: client.socksPath },
    // Everything a daemon can say is said, so that a secret which reaches the log is seen below.
    logLevel: 'debug',
  })

const contactsOf = (daemon: DaemonProcess) => daemon.rpc.call('listContacts', {})

async function arrive(daemon: DaemonProcess, contact: string, text: string): Promise<void> {
  await waitFor(text, NETWORK_LIMIT_MS, async () => {
    const { messages } = await daemon.rpc.call('listMessages', { recipient: contact })
    return (
      messages.filter((message) => message.direction === 'received' && message.text === text).length === 1 || undefined
    )
  })
}

describe('the main job over Tor', () => {
  const tornet = useTornet({ clients: 2 })

  it('pairs, talks, restarts, goes on, and refuses a used invite', async () => {
    const [first, second] = tornet().clients
    assert.ok(first !== undefined && second !== undefined)
    let [alice, bob] = await Promise.all([startAt('alice', first), startAt('bob', second)])
    const carol = await startAt('carol', first)
    const logs: string[] = []
    try {
      const uri = await createPublishedInvite(bob)
      const { contactId: atAlice } = await alice.rpc.call('acceptInvite', { uri, message: 'planted request' })
      const request = await waitFor(
        'the request',
        NETWORK_LIMIT_MS,
        async () => (await bob.rpc.call('listRequests', {}))[0],
      )
      assert.equal(request.message, 'planted request')
      await carol.rpc.call('acceptInvite', { uri })
      const failed = await waitFor('the refusal', NETWORK_LIMIT_MS, async () =>
        (await contactsOf(carol)).find(({ state }) => state === 'failed'),
      )
      assert.equal(failed.failure, 'INVITE_USED')
      const { contactId: atBob, safetyNumber } = await bob.rpc.call('acceptRequest', { requestId: request.requestId })
      const active = await waitFor('the lane', NETWORK_LIMIT_MS, async () =>
        (await contactsOf(alice)).find(({ state }) => state === 'active'),
      )
      assert.equal(active.safetyNumber, safetyNumber)

      await alice.rpc.call('send', { recipient: atAlice, message: 'planted text one' })
      await bob.rpc.call('send', { recipient: atBob, message: 'planted text two' })
      await arrive(bob, atBob, 'planted text one')
      await arrive(alice, atAlice, 'planted text two')
      logs.push(alice.log(), bob.log())
      assert.deepEqual(await Promise.all([alice.stop(), bob.stop()]), [0, 0])

      ;[alice, bob] = await Promise.all([startAt('alice', first), startAt('bob', second)])
      await alice.rpc.call('send', { recipient: atAlice, message: 'x'.repeat(2_000) })
      await bob.rpc.call('send', { recipient: atBob, message: 'planted text four' })
      await arrive(bob, atBob, 'x'.repeat(2_000))
      await arrive(alice, atAlice, 'planted text four')
      await waitFor('the acknowledgements', NETWORK_LIMIT_MS, async () => {
        const { messages } = await alice.rpc.call('listMessages', { recipient: atAlice })
        return (
          messages.every(({ direction, delivery }) => direction === 'received' || delivery === 'delivered') || undefined
        )
      })
      logs.push(alice.log(), bob.log(), carol.log())

      const log = logs.join('\n')
      assert.match(log, /info ready/, 'control: the logs are there')
      for (const secret of ['planted', uri.slice(0, 40), atAlice, atBob, safetyNumber ?? '', '.onion', '12D3Koo']) {
        assert.ok(!log.includes(secret), `the log holds ${secret.slice(0, 8)}`)
      }
      assert.doesNotMatch(log, /[a-z2-7]{56}/, 'no onion address')
    } finally {
      await Promise.all([alice.stop(), bob.stop(), carol.stop()])
    }
  })

  it('is what the demo shows, and the demo leaves nothing behind', async () => {
    // A temporary directory of its own: other runs on this machine leave and take what is theirs. Short, for its sockets.
    const temporary = mkdtempSync(join(tmpdir(), 'nd-'))
    const child = spawn(process.execPath, [DEMO], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    })
    let out = ''
    let most = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      most = Math.max(most, readdirSync(temporary).length)
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(code, 0, out)
    assert.match(out, /They are equal: nobody is in between/)
    assert.match(out, /The demo succeeded in/)
    assert.ok(most >= 2, 'control: the network and the daemons live there meanwhile')
    // The keys of the private network's relays are kept for the next run.
    assert.deepEqual(
      readdirSync(temporary).filter((name) => !name.startsWith('noctule-tornet-keys-')),
      [],
    )
    rmSync(temporary, { recursive: true, force: true })
  })
})
