/**
 * `npm run demo`: two daemons meet on a private Tor network on this machine and talk, at last without ever being online
 * at the same time, as a newcomer would see it.
 * Never touches the real Tor network, and leaves nothing behind.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DaemonProcess, startDaemon, waitFor } from '../test/support/daemon-process.ts'
import { startTornet, type Tornet } from '../test/support/tornet/index.ts'

const LIMIT_MS = 180_000
const HOSTS_COUNT = 3
/** Mailboxes keep so much shorter times than on the real network, where a newcomer would wait minutes. */
const MAILBOX_SPEED = 20
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

/** Tells each stage of a daemon's couriers until one is ready and all hosts are known. */
async function untilCourierIsReady(name: string, daemon: DaemonProcess): Promise<void> {
  const told = new Map<string, string>()
  await waitFor(`${name}'s courier`, LIMIT_MS, async () => {
    const { mailbox } = await daemon.rpc.call('status', {})
    for (const { hostKey, stage: reached } of mailbox.couriers) {
      if (told.get(hostKey) === reached) continue
      told.set(hostKey, reached)
      say(
        `   ${name}: courier ${hostKey.slice(0, 8)} is ${reached === 'failed' ? 'not there yet, trying again' : reached}`,
      )
    }
    const isReady = mailbox.couriers.some(({ stage: reached }) => reached === 'ready')
    return isReady && mailbox.hosts === HOSTS_COUNT ? true : undefined
  })
}

async function messageState(from: Speaker, messageId: string) {
  const { messages } = await from.daemon.rpc.call('listMessages', { recipient: from.contact, limit: 20 })
  return messages.find((message) => message.messageId === messageId)
}

/** Tells each state of a sent message until hosts have signed that they keep it. */
async function untilStored(from: Speaker, messageId: string): Promise<void> {
  const sentMs = performance.now()
  let last = ''
  await waitFor('the receipts of hosts', LIMIT_MS, async () => {
    const { delivery = '', stored } = (await messageState(from, messageId)) ?? {}
    const line = stored === undefined ? delivery : `${delivery} at ${stored.replicas} of ${stored.wanted} hosts`
    if (line !== last) say(`   the message is ${line} (after ${seconds(performance.now() - sentMs)})`)
    last = line
    return delivery === 'stored' ? true : undefined
  })
}

function untilRead(to: Speaker, messageId: string, why: string): Promise<string> {
  return waitFor(why, LIMIT_MS, async () => (await messageState(to, messageId))?.text)
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

interface Host {
  readonly daemon: DaemonProcess
  /** By which others begin with it. */
  readonly uri: string
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
  const unsafe = { mailboxSpeed: MAILBOX_SPEED }

  const hosts = await inStage(
    `${HOSTS_COUNT} people who leave a machine on at home start hosts (noctule daemon --host)`,
    async () => {
      // They share one tor here, to spare this machine; each has a machine of its own otherwise.
      const { controlPath, socksPath } = await network.addClient()
      const startHost = async (index: number, known: readonly string[]): Promise<Host> => {
        const daemon = await startDaemon({
          directory: join(directory, `host${index}`),
          tor: { mode: 'attach', control: controlPath, socks: socksPath },
          config: { hosts: known, host: { alone: true } },
          unsafe,
          extraArguments: ['--host'],
        })
        own(() => daemon.kill())
        return { daemon, uri: (await daemon.rpc.call('hostStats', {})).host }
      }
      const first = await startHost(1, [])
      say(`   the first one is told to the others by this text:\n      ${first.uri}`)
      return [first, ...(await Promise.all([2, 3].map((index) => startHost(index, [first.uri]))))]
    },
  )
  const start = (name: string): Promise<DaemonProcess> =>
    startDaemon({ directory: join(directory, name), torrcLines, config: { hosts: [hosts[0]?.uri] }, unsafe })

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
      await Promise.all([untilCourierIsReady('Alice', first), untilCourierIsReady('Bob', second)])
      say(`   ${(await first.rpc.call('status', {})).mailbox.guarantee}`)
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
    await waitFor('the invite', LIMIT_MS, async () => {
      const invites = await bob.daemon.rpc.call('listInvites', {})
      return invites[0]?.published === true ? true : undefined
    })
    say('   hosts keep what belongs to it under an id that only the holder of the invite can work out')
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

  await inStage(
    'They talk, end-to-end encrypted, through hosts, in slots that come whether they talk or not',
    async () => {
      await talk(alice, bob, 'Can you hear me?')
      await talk(bob, alice, 'Loud and clear.')
    },
  )

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

  await inStage('Bob switches his machine off; Alice writes to him, and switches hers off as well', async () => {
    await bob.daemon.stop()
    const text = 'You are away, so I leave this here for you.'
    await untilCourierIsReady('Alice', alice.daemon)
    const sent = await alice.daemon.rpc.call('send', { recipient: alice.contact, message: text })
    say(`   Alice: "${text}"`)
    await untilStored(alice, sent.messageId)
    await alice.daemon.stop()
    await hosts[0]?.daemon.kill()
    say('   Alice is gone, and the host by which all began is killed without warning (kill -9)')
    bob.daemon = await start('bob')
    own(() => bob.daemon.stop())
    const startedAgainMs = performance.now()
    await untilTorIsReady('Bob', bob.daemon)
    const read = await untilRead(bob, sent.messageId, 'the message that waited')
    say(`   Bob is back, and reads after ${seconds(performance.now() - startedAgainMs)}: "${read}"`)
    say('   They were never online together; the hosts cannot tell who wrote or who read')
  })

  await inStage('Everything stops and is removed', async () => {
    const codes = await Promise.all(
      [bob.daemon, ...hosts.slice(1).map(({ daemon }) => daemon)].map((each) => each.stop()),
    )
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
