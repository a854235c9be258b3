/**
 * `npm run demo`: two daemons meet on a private Tor network on this machine and talk, as a newcomer would see it.
 * Never touches the real Tor network, and leaves nothing behind.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DaemonProcess, startDaemon, waitFor } from '../test/support/daemon-process.ts'
import { startTornet, type Tornet } from '../test/support/tornet/index.ts'

const LIMIT_MS = 180_000
const startedMs = performance.now()
let stage = 0

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

async function inStage<T>(title: string, body: () => Promise<T>): Promise<T> {
  stage += 1
  say(`\n${stage}. ${title}`)
  const beganMs = performance.now()
  const result = await body()
  say(`   done in ${seconds(performance.now() - beganMs)}`)
  return result
}

/** Tells each change of a daemon's tor until it is ready: nobody should have to wonder whether something is stuck. */
async function untilTorIsReady(name: string, daemon: DaemonProcess): Promise<void> {
  let last = ''
  await waitFor(`${name}'s tor`, LIMIT_MS, async () => {
    const { tor } = await daemon.rpc.call('status', {})
    const line = tor.stage === 'bootstrapping' ? `bootstrapping ${tor.bootstrapPercent} %` : tor.stage
    if (line !== last) say(`   ${name}: tor is ${line}`)
    last = line
    return tor.stage === 'ready' ? true : undefined
  })
}

async function talk(from: Speaker, to: Speaker, text: string): Promise<void> {
  const sentMs = performance.now()
  const sent = await from.daemon.rpc.call('send', { recipient: from.contact, message: text })
  const storedMs = performance.now()
  await waitFor('the message', LIMIT_MS, async () => {
    const { messages } = await to.daemon.rpc.call('listMessages', { recipient: to.contact, limit: 20 })
    return messages.some(({ messageId }) => messageId === sent.messageId) ? true : undefined
  })
  const arrived = seconds(performance.now() - sentMs)
  say(`   ${from.name} -> ${to.name}: "${text}"`)
  say(
    `      on disk and acknowledged to ${from.name} after ${(storedMs - sentMs).toFixed(0)} ms; read by ${to.name} after ${arrived}`,
  )
}

interface Speaker {
  readonly name: string
  readonly directory: string
  daemon: DaemonProcess
  contact: string
}

async function run(directory: string, own: (closer: () => Promise<unknown>) => void): Promise<void> {
  const network: Tornet = await inStage(
    'A private Tor network starts on this machine (the real tor program, no Internet)',
    () => startTornet({ clients: 0, handleSignals: false }),
  )
  own(() => network.stop())
  const torrcLines = network.clientTorrcLines()
  const start = (name: string): Promise<DaemonProcess> => startDaemon({ directory: join(directory, name), torrcLines })

  const [alice, bob] = await inStage(
    'Alice and Bob start their daemons, each with its own data and its own tor',
    async () => {
      const daemons = await Promise.all([start('alice'), start('bob')])
      for (const daemon of daemons) own(() => daemon.stop())
      const [first, second] = daemons
      say(
        `   local API ready after ${first.readyMs.toFixed(0)} ms and ${second.readyMs.toFixed(0)} ms, while tor still starts`,
      )
      await Promise.all([untilTorIsReady('Alice', first), untilTorIsReady('Bob', second)])
      const speaker = (name: string, daemon: DaemonProcess): Speaker => ({
        name,
        directory: name.toLowerCase(),
        daemon,
        contact: '',
      })
      return [speaker('Alice', first), speaker('Bob', second)] as const
    },
  )

  await inStage('Bob invites Alice', async () => {
    const invite = await bob.daemon.rpc.call('createInvite', { label: 'for Alice' })
    say(`   Bob hands Alice this invite, which works once:\n      ${invite.uri}`)
    await waitFor('the rendezvous', LIMIT_MS, async () => {
      const invites = await bob.daemon.rpc.call('listInvites', {})
      return invites[0]?.published === true ? true : undefined
    })
    say('   Bob’s rendezvous onion service is published; only the holder of the invite can find it')
    const asked = await alice.daemon.rpc.call('acceptInvite', {
      uri: invite.uri,
      alias: 'Bob',
      message: 'It is me, Alice.',
    })
    alice.contact = asked.contactId
    const request = await waitFor(
      'the request',
      LIMIT_MS,
      async () => (await bob.daemon.rpc.call('listRequests', {}))[0],
    )
    say(`   Bob sees a contact request: "${request.message ?? ''}"`)
    const accepted = await bob.daemon.rpc.call('acceptRequest', { requestId: request.requestId, alias: 'Alice' })
    bob.contact = accepted.contactId
    const number = await waitFor('the acceptance', LIMIT_MS, async () => {
      const contacts = await alice.daemon.rpc.call('listContacts', {})
      return contacts[0]?.state === 'active' ? contacts[0].safetyNumber : undefined
    })
    say(`   Alice reads this safety number: ${number}`)
    say(`   Bob reads this safety number:   ${accepted.safetyNumber ?? ''}`)
    if (number !== accepted.safetyNumber) throw new Error('the safety numbers differ')
    say('   They are equal: nobody is in between')
  })

  await inStage('They talk, end-to-end encrypted, one record a second each way whether they talk or not', async () => {
    await talk(alice, bob, 'Can you hear me?')
    await talk(bob, alice, 'Loud and clear.')
  })

  await inStage('Both daemons are killed without warning (kill -9) and start again', async () => {
    await alice.daemon.rpc.call('send', { recipient: alice.contact, message: 'Sent just before the crash.' })
    await Promise.all([alice.daemon.kill(), bob.daemon.kill()])
    const daemons = await Promise.all([start('alice'), start('bob')])
    for (const daemon of daemons) own(() => daemon.stop())
    alice.daemon = daemons[0]
    bob.daemon = daemons[1]
    await Promise.all([untilTorIsReady('Alice', alice.daemon), untilTorIsReady('Bob', bob.daemon)])
    await waitFor('the message from before the crash', LIMIT_MS, async () => {
      const { messages } = await bob.daemon.rpc.call('listMessages', { recipient: bob.contact, limit: 20 })
      return messages.some(({ text }) => text === 'Sent just before the crash.') ? true : undefined
    })
    say('   the message that Alice sent just before the crash has arrived, once')
  })

  await inStage('They go on', async () => {
    await talk(bob, alice, 'Where were we?')
    await talk(alice, bob, 'Right here.')
  })

  await inStage('Everything stops and is removed', async () => {
    const codes = await Promise.all([alice.daemon.stop(), bob.daemon.stop()])
    if (codes.some((code) => code !== 0)) throw new Error('a daemon did not stop cleanly')
    await network.stop()
  })
}

const directory = mkdtempSync(join(tmpdir(), 'noctule-demo-'))
const closers: (() => Promise<unknown>)[] = []
const cleanUp = async (): Promise<void> => {
  while (closers.length > 0)
    await closers
      .pop()?.()
      .catch(() => undefined)
  rmSync(directory, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cleanUp().then(() => process.exit(130))
  })
}
say('noctule demo: two people who have never met exchange messages over Tor onion services.')
try {
  await run(directory, (closer) => closers.push(closer))
  say(`\nThe demo succeeded in ${seconds(performance.now() - startedMs)}.`)
} catch (error: unknown) {
  say(`\nThe demo failed: ${error instanceof Error ? error.message : 'for an unknown reason'}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
