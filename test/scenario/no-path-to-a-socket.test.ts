/**
 * No call of a front end reaches a socket, whatever it awaits, starts, schedules or wakes. Every method of the messenger is run in
 * several states; the other half of the proof follows imports: test/house/socket-paths.test.ts.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, isAppError, MINUTE_MS } from '../../src/base/index.ts'
import { formatHostUri } from '../../src/mailbox/index.ts'
import { type Messenger, SESSION_FUNCTIONS } from '../../src/messenger/index.ts'
import type { RecordLink } from '../../src/ports/index.ts'
import {
  createGuardedWorld,
  type GuardedMember,
  type GuardedWorld,
  guardCalls,
  type Mutation,
} from '../support/guarded-world.ts'
import { settle } from '../support/virtual-clock.ts'

/** Short epochs, so that a profile that is asked for is soon in force. */
const PARAMETERS = { epochMs: 10 * MINUTE_MS, epochOverlapMs: 2 * MINUTE_MS }

/** Not a front end's: the daemon starts and stops the messenger, and stopping does close what is open. */
const LIFE_CYCLE = ['start', 'stop']

interface Stage {
  readonly setting: Setting
  readonly world: GuardedWorld
  /** Every call through it is watched. */
  readonly api: Messenger
  readonly me: GuardedMember
  readonly other: GuardedMember
  /** Our contact for the other, who is there and has us. */
  readonly contactId: string
  /** Theirs for us. */
  readonly theirs: string
  readonly called: Map<string, number>
}

type Setting = 'without hosts' | 'with hosts' | 'with a lane that is open' | 'with Manual' | 'without a network'
const SETTINGS: readonly Setting[] = [
  'without hosts',
  'with hosts',
  'with a lane that is open',
  'with Manual',
  'without a network',
]

/** Looking is what costs most. */
const STEP_MS = 5_000

async function until(world: GuardedWorld, condition: () => Promise<boolean>): Promise<void> {
  const { clock } = world.hostWorld
  for (let waitedMs = 0; !(await condition()); waitedMs += STEP_MS) {
    if (waitedMs > 3 * HOUR_MS) throw new Error('it did not come about')
    await clock.advance(STEP_MS)
  }
}

/** What `api` is asked for may be refused: that is a state as well. Bugs are not. */
async function ask<T>(world: GuardedWorld, promise: Promise<T>): Promise<T | undefined> {
  try {
    // Before time goes on: what moves until then was moved by what is asked for.
    await settle()
    return await world.hostWorld.run(promise)
  } catch (error: unknown) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

/** The second accepts an invite of the first's, and is accepted. */
async function pair(world: GuardedWorld, inviter: Messenger, acceptor: Messenger): Promise<readonly [string, string]> {
  const { uri } = await inviter.createInvite({})
  const { contactId } = await acceptor.acceptInvite({ uri })
  await until(world, async () => (await inviter.listRequests()).length > 0)
  const [request] = await inviter.listRequests()
  const accepted = await inviter.acceptRequest({ requestId: request?.requestId ?? '' })
  await until(world, async () =>
    (await acceptor.listContacts()).some((contact) => contact.contactId === contactId && contact.state === 'active'),
  )
  return [accepted.contactId, contactId]
}

async function setUp(setting: Setting, called: Map<string, number>, mutation: Mutation = {}): Promise<Stage> {
  const world = await createGuardedWorld(PARAMETERS)
  const hosts = setting === 'without hosts' ? [] : [world.hostWorld.host(0).entry]
  const me = await world.join(hosts, mutation)
  const other = await world.join(hosts)
  const api = guardCalls(me.messenger, world.guard, called)
  const [contactId, theirs] = await pair(world, api, other.messenger)
  if (setting === 'with a lane that is open') {
    await other.messenger.setLive({ contactId: theirs, on: true, minutes: 300 })
    await api.setLive({ contactId, on: true, minutes: 300 })
    await until(world, async () => (await api.listContacts())[0]?.live.state === 'open')
  }
  if (setting === 'with Manual') {
    await api.setProfile('manual')
    await until(world, async () => api.profile().name === 'manual')
  }
  if (setting === 'without a network') {
    world.hostWorld.recordHub.setUnreachable(true)
    world.hostWorld.recordHub.cut()
    await world.hostWorld.clock.advance(MINUTE_MS)
  }
  return { setting, world, api, me, other, contactId, theirs, called }
}

/** Asks for everything that there is, and lets what it left behind happen. */
async function askForEverything(stage: Stage): Promise<void> {
  const { setting, world, api, me, other, contactId, theirs } = stage
  const { clock } = world.hostWorld
  const call = <T>(promise: Promise<T>): Promise<T | undefined> => ask(world, promise)

  const lookAround = async (): Promise<void> => {
    api.status()
    api.profile()
    api.traffic()
    const unsubscribe = api.onEvent(() => undefined)
    await call(api.listContacts())
    await call(api.listInvites())
    await call(api.listRequests())
    await call(api.listHosts())
    await call(api.listMessages({ contactId }))
    await call(api.readEvents({ after: 0, limit: 500 }))
    await call(api.acknowledge('test', 1))
    await call(api.acknowledgedSeq('test'))
    await call(api.estimateSend({ contactId, text: 'how long?' }))
    await call(api.estimateSend({ contactId, bytes: 100_000 }))
    unsubscribe()
  }
  const talk = async (to: string): Promise<void> => {
    await call(api.send({ contactId: to, text: 'hello' }))
    await call(api.send({ contactId: to, text: 'long '.repeat(1_000) }))
    await call(api.send({ contactId: to, text: 'once', idempotencyKey: `key ${to}` }))
    await call(api.send({ contactId: to, text: 'once', idempotencyKey: `key ${to}` }))
    await call(api.send({ contactId: to, text: '' }))
    await call(api.markRead({ contactId: to, upTo: 1 }))
    await call(api.setReceipts({ contactId: to, read: true }))
    await call(api.markRead({ contactId: to, upTo: 2 }))
    await call(api.setLive({ contactId: to, on: true, minutes: 30 }))
    await call(api.setLive({ contactId: to, on: false }))
    await call(api.setLive({ contactId: to, on: true, minutes: 600 }))
  }
  const files = async (to: string): Promise<void> => {
    me.files.contents.set('/home/a.bin', new Uint8Array(50_000).fill(7))
    const first = await call(api.sendAttachment({ contactId: to, path: '/home/a.bin' }))
    const second = await call(api.sendAttachment({ contactId: to, path: '/home/a.bin', name: 'b.bin' }))
    for (const sent of [first, second]) {
      if (sent === undefined) continue
      await call(api.downloadAttachment({ contactId: to, messageId: sent.messageId }))
      await call(api.saveAttachment({ contactId: to, messageId: sent.messageId, path: '/home/c.bin' }))
    }
    if (second !== undefined) await call(api.cancelAttachment({ contactId: to, messageId: second.messageId }))
    await call(api.downloadAttachment({ contactId: to, messageId: '0'.repeat(32) }))
  }
  const blockAndBack = async (to: string): Promise<void> => {
    await call(api.block(to))
    await talk(to)
    await clock.advance(20_000)
    await call(api.unblock(to))
    await clock.advance(10_000)
  }

  other.files.contents.set('/home/theirs.bin', new Uint8Array(3_000).fill(9))
  await ask(world, other.messenger.sendAttachment({ contactId: theirs, path: '/home/theirs.bin' }))
  await lookAround()
  for (const name of ['manual', 'paranoid', 'fast'] as const) await call(api.setProfile(name))
  try {
    api.sync()
  } catch (error: unknown) {
    assert.ok(isAppError(error, 'PROFILE_NOT_MANUAL'))
  }
  await talk(contactId)
  await files(contactId)
  await clock.advance(MINUTE_MS)

  const invite = await call(api.createInvite({}))
  const withRendezvous = await call(api.createInvite({ rendezvous: true, label: 'street' }))
  await clock.advance(10_000)
  await call(api.previewInvite(invite?.uri ?? ''))
  if (withRendezvous !== undefined) await call(api.revokeInvite(withRendezvous.inviteId))
  await call(api.createInvite({ rendezvous: true }))
  await call(api.addHost(formatHostUri(world.hostWorld.host(2).entry)))

  // Somebody who asks for contact, twice: one is accepted and one is not.
  for (const uri of [invite?.uri, (await call(api.createInvite({})))?.uri]) {
    if (uri !== undefined) await other.messenger.acceptInvite({ uri, message: 'me again' })
  }
  // Later they would come from somebody who is blocked for a while, and be forgotten.
  if (setting === 'with hosts') await until(world, async () => (await me.messenger.listRequests()).length > 1)
  const [first, second] = await api.listRequests()
  if (first !== undefined) await call(api.acceptRequest({ requestId: first.requestId, alias: 'again' }))
  if (second !== undefined) await call(api.rejectRequest(second.requestId))
  // And contacts of ours that are requesting, requested and removed again.
  const asked: string[] = []
  for (const rendezvous of [false, true]) {
    const { uri } = await other.messenger.createInvite({ rendezvous })
    await call(api.acceptInvite({ uri: 'noctule:nonsense' }))
    const accepted = await call(api.acceptInvite({ uri, message: 'it is me' }))
    if (accepted === undefined) continue
    asked.push(accepted.contactId)
    await talk(accepted.contactId)
    await blockAndBack(accepted.contactId)
  }
  await clock.advance(2 * MINUTE_MS)
  await lookAround()
  if (setting === 'with hosts') {
    await until(world, async () =>
      (await me.messenger.listMessages({ contactId })).some(
        ({ attachment }) => attachment?.transfer.state === 'complete',
      ),
    )
  }
  for (const { messageId, type } of await api.listMessages({ contactId, limit: 500 })) {
    if (type !== 'attachment') continue
    await call(api.downloadAttachment({ contactId, messageId }))
    await call(api.saveAttachment({ contactId, messageId, path: `/home/${messageId}` }))
    await call(api.cancelAttachment({ contactId, messageId }))
  }
  for (const each of asked) {
    await talk(each)
    await call(api.removeContact(each))
  }
  await blockAndBack(contactId)
  await talk(contactId)
  await clock.advance(MINUTE_MS)
  await call(api.removeContact(contactId))
  await talk(contactId)
  await lookAround()
  await clock.advance(MINUTE_MS)
}

describe('what front ends ask for', () => {
  const called = new Map<string, number>()
  const names = new Set<string>()

  for (const setting of SETTINGS) {
    it(`reaches no socket ${setting}`, async () => {
      const stage = await setUp(setting, called)
      const { guard } = stage.world
      for (const name of Object.keys(stage.me.messenger)) names.add(name)
      try {
        const before = guard.free
        await askForEverything(stage)
        assert.deepEqual(guard.touched, [])
        assert.ok(guard.free > before, 'control: the network is used, by clocks')
        assert.ok(guard.freeSleeps > 100, 'control: and loops sleep on the clock that is watched')
        assert.deepEqual(stage.world.failures, [])
      } finally {
        await stage.world.stop()
      }
    })
  }

  it('is all that can be asked for, and each of it was done', () => {
    const missing = [...names].filter((name) => !LIFE_CYCLE.includes(name) && !called.has(name))
    assert.deepEqual(missing, [])
    assert.ok(names.size > 30)
  })
})

describe('a path to a socket is found (control)', () => {
  const once = (links: readonly RecordLink[]): RecordLink => links[0] ?? assert.fail('no link is there')
  const dialOptions = {
    protocol: '/control/1',
    recordBytes: 100,
    localSeed: new Uint8Array(32).fill(1),
    remoteSeed: new Uint8Array(32).fill(2),
    address: `${'a'.repeat(56)}.onion` as never,
    clientPrivateKey: undefined,
    isolation: 'control',
    signal: new AbortController().signal,
  }
  /** A loop of nobody's that sends every ten minutes, and sooner when somebody watches a box. */
  const wakeable =
    (pauseMs: number): NonNullable<Mutation['mailbox']> =>
    (client, { links, clock }) => {
      let wake = (): void => undefined
      const lane = async (): Promise<void> => {
        for (;;) {
          const woken = new Promise<void>((resolve) => {
            wake = resolve
          })
          await Promise.race([clock.sleep(10 * MINUTE_MS), woken])
          if (pauseMs > 0) await clock.sleep(pauseMs)
          const link = links()[0]
          await link?.send(new Uint8Array(link.recordBytes)).catch(() => undefined)
        }
      }
      void lane()
      return {
        ...client,
        watch(...args) {
          client.watch(...args)
          wake()
        },
      }
    }
  const mutants: readonly (readonly [string, Setting, string, Mutation])[] = [
    [
      'a send that flushes',
      'with hosts',
      'send: send',
      {
        session: ({ links }) => ({
          ...SESSION_FUNCTIONS,
          sealEnvelope(...args) {
            const link = links()[0]
            if (link !== undefined) void link.send(new Uint8Array(link.recordBytes)).catch(() => undefined)
            return SESSION_FUNCTIONS.sealEnvelope(...args)
          },
        }),
      },
    ],
    [
      'a send that flushes a while later',
      'with a lane that is open',
      'send: send',
      {
        session: ({ links, clock }) => ({
          ...SESSION_FUNCTIONS,
          sealEnvelope(...args) {
            const later = async (): Promise<void> => {
              await clock.sleep(700)
              const link = once(links())
              await link.send(new Uint8Array(link.recordBytes)).catch(() => undefined)
            }
            void later()
            return SESSION_FUNCTIONS.sealEnvelope(...args)
          },
        }),
      },
    ],
    [
      'a mailbox that dials a host when it is added',
      'with hosts',
      'addHost: dial',
      {
        mailbox: (client, { network }) => ({
          ...client,
          async addHosts(entries) {
            await client.addHosts(entries)
            void network.dial(dialOptions).catch(() => undefined)
          },
        }),
      },
    ],
    [
      'a mailbox that asks at once for a box that is watched',
      'with hosts',
      'createInvite: send',
      {
        mailbox: (client, { links }) => ({
          ...client,
          watch(...args) {
            client.watch(...args)
            const link = links()[0]
            if (link !== undefined) void link.send(new Uint8Array(link.recordBytes)).catch(() => undefined)
          },
        }),
      },
    ],
    [
      'a lane that is woken by a box that is watched',
      'with hosts',
      'createInvite: wakes send',
      { mailbox: wakeable(0) },
    ],
    ['one that is woken and sends later', 'with hosts', 'createInvite: wakes a loop', { mailbox: wakeable(700) }],
  ]

  for (const [what, setting, expected, mutation] of mutants) {
    it(what, async () => {
      const stage = await setUp(setting, new Map(), mutation)
      const { api, contactId, world } = stage
      try {
        await world.hostWorld.clock.advance(2 * MINUTE_MS)
        world.guard.touched.length = 0
        await ask(world, api.createInvite({}))
        await ask(world, api.send({ contactId, text: 'hello' }))
        await ask(world, api.addHost(formatHostUri(world.hostWorld.host(1).entry)))
        await world.hostWorld.clock.advance(MINUTE_MS)
        assert.ok(world.guard.touched.includes(expected), world.guard.touched.join(', '))
      } finally {
        await world.stop()
      }
    })
  }
})
