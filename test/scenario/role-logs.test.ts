/**
 * What each role could write down if it wrote down everything, and what that tells. Two people with real clients on twelve
 * hosts, over several epochs. The control keeps one transport identity for everything, and is found.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode, MINUTE_MS } from '../../src/base/index.ts'
import { ed25519PublicKey } from '../../src/crypto/index.ts'
import {
  createMailboxClient,
  deriveBoxKeys,
  loadHostKeys,
  openRequest,
  sealBox,
  signTombstone,
} from '../../src/mailbox/index.ts'
import type { RecordNetwork } from '../../src/ports/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import {
  BOX_BODY_BYTES,
  decodeCourierRequest,
  decodeMailboxRequest,
  encodeBox,
  MESH_OPERATION,
} from '../../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS } from '../support/mailbox-client-world.ts'
import { createHostWorld, type HostWorld } from '../support/mailbox-world.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { silentLogger } from '../support/silent-logger.ts'

const HOSTS = 12
const CLIENTS = 2
const EPOCH_MS = 6 * MINUTE_MS
/** Longer than any accident: two random strings of so many bytes are never equal. */
const WINDOW_BYTES = 8

/** One session as its courier sees it: all of it, decrypted. */
interface SessionLog {
  /** Known to the test, not to the courier: whose it is. */
  readonly client: number
  readonly epoch: number
  readonly courier: string
  readonly remoteKey: Uint8Array
  /** The token that the client gave its tor; a circuit shared by two sessions would have one. */
  readonly isolation: string
  readonly records: Uint8Array[]
}

interface Logs {
  readonly sessions: SessionLog[]
  /** Every request that a host got over the mesh, with what it could open of it. */
  readonly mesh: {
    readonly host: string
    readonly from: string
    readonly body: Uint8Array
    readonly opened: Uint8Array | undefined
  }[]
  /** Every id that was stored, looked for or taken back. */
  readonly boxIds: Set<string>
  readonly world: HostWorld
}

/** `oneIdentity` is the control. */
async function collect(oneIdentity: boolean): Promise<Logs> {
  const world = await createHostWorld({
    hosts: HOSTS,
    seed: 5,
    parameters: { epochMs: EPOCH_MS, epochOverlapMs: MINUTE_MS },
  })
  const sessions: SessionLog[] = []
  const mesh: Logs['mesh'] = []
  const boxIds = new Set<string>()
  try {
    for (const { keys, store } of world.hosts) {
      const sealKeys = (await loadHostKeys(store)).sealKeys.map(({ privateKey }) => privateKey)
      world.meshHub.setFaults(keys.hostKey, {
        drops: ({ hostKey, operation, body }) => {
          const opened = operation === MESH_OPERATION.relay ? openRequest(sealKeys, keys.hostKey, body) : undefined
          mesh.push({ host: hexEncode(keys.hostKey), from: hexEncode(hostKey), body, opened })
          const request = opened && decodeMailboxRequest(opened)
          if (request !== undefined)
            boxIds.add(hexEncode(request.operation === 'store' ? request.box.boxId : request.boxId))
          return false
        },
      })
    }
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, client) => startClient(world, client, sessions, oneIdentity)),
    )
    await world.clock.advance(3.5 * EPOCH_MS)
    for (const client of clients) await world.run(client.stop())
    assert.deepEqual(world.failures, [])
  } finally {
    await world.stop()
  }
  return { sessions, mesh, boxIds, world }
}

/** A client that always has something to write and something to look for. */
async function startClient(world: HostWorld, client: number, sessions: SessionLog[], oneIdentity: boolean) {
  const inner = world.recordHub.createNetwork()
  const constantSeed = new Uint8Array(32).fill(100 + client)
  const startedMs = world.clock.monotonicMs()
  const network: RecordNetwork = {
    ...inner,
    async dial(options) {
      const localSeed = oneIdentity ? constantSeed : options.localSeed
      const isolation = oneIdentity ? `client ${client}` : options.isolation
      const link = await inner.dial({ ...options, localSeed, isolation })
      const log: SessionLog = {
        client,
        epoch: Math.floor((world.clock.monotonicMs() - startedMs) / EPOCH_MS),
        courier: hexEncode(options.remoteKey ?? new Uint8Array()),
        remoteKey: ed25519PublicKey(localSeed),
        isolation,
        records: [],
      }
      sessions.push(log)
      return {
        ...link,
        send(record) {
          log.records.push(record.slice())
          return link.send(record)
        },
      }
    },
  }
  const keys = Array.from({ length: 40 }, (_, index) =>
    deriveBoxKeys(
      new Uint8Array(32)
        .fill(index)
        .with(0, client + 1)
        .with(1, index),
    ),
  )
  const queue = keys.map((each) => encodeBox(sealBox(each, new Uint8Array(BOX_BODY_BYTES).fill(client))))
  const mailbox = createMailboxClient({
    clock: world.clock,
    random: createSeededRandom(70 + client),
    contentRandom: createSeededRandom(170 + client),
    logger: silentLogger,
    network,
    store: createMemoryStore(),
    parameters: world.parameters,
    functions: CLIENT_WORLD_FUNCTIONS,
    owner: {
      nextWrite: async () => queue.shift(),
      onWriteDropped: async () => undefined,
      onWriteSent: async () => undefined,
      onWriteResult: async () => undefined,
      async onBox(box) {
        const found = keys.find(({ boxId }) => hexEncode(boxId) === hexEncode(box.boxId))
        return found && signTombstone(found)
      },
      nextFetch: () => undefined,
      onFetchMissed: () => undefined,
    },
    onFailure: (error) => void world.failures.push(error),
  })
  await mailbox.addHosts(world.hosts.slice(0, 2).map(({ entry }) => entry))
  for (const each of keys.slice(0, 20)) mailbox.watch(each.boxId, { hot: true })
  // Ids that nobody will write are looked for through every epoch.
  for (let index = 0; index < 5; index += 1)
    mailbox.watch(new Uint8Array(32).fill(200 + client).with(1, index), { hot: false })
  await world.run(mailbox.start())
  return mailbox
}

function contains(haystack: Uint8Array, needle: Uint8Array | string): boolean {
  const bytes = typeof needle === 'string' ? Buffer.from(needle, 'hex') : Buffer.from(needle)
  return Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength).includes(bytes)
}

/** What the requests of a session carry besides what everybody knows: routes of hosts, and zeros. */
function windowsOf(session: SessionLog): Set<string> {
  const windows = new Set<string>()
  const note = (bytes: Uint8Array): void => {
    const text = Buffer.from(bytes).toString('latin1')
    for (let at = 0; at + WINDOW_BYTES <= text.length; at += 1) windows.add(text.slice(at, at + WINDOW_BYTES))
  }
  for (const record of session.records) {
    const request = decodeCourierRequest(record)
    if (request === undefined) throw new Error('a client sent what no courier reads')
    if (request.kind === 'write' || request.kind === 'read') for (const { sealed } of request.requests) note(sealed)
  }
  note(session.remoteKey)
  note(Buffer.from(session.isolation))
  return windows
}

/** Pairs of sessions of one client in different epochs, or with different couriers, that have something in common. */
function linkedPairs(sessions: readonly SessionLog[]): number {
  const prefixed = 'courier:'
  const windows = sessions.map((session) =>
    windowsOf({ ...session, isolation: session.isolation.replace(prefixed, '') }),
  )
  let linked = 0
  for (const [index, first] of windows.entries()) {
    for (const second of windows.slice(index + 1)) {
      const [small, large] = first.size < second.size ? [first, second] : [second, first]
      if ([...small].some((window) => large.has(window))) linked += 1
    }
  }
  return linked
}

describe('the complete log of each role', () => {
  it('names no client at a host, no box at a courier, and links no two sessions; one identity for everything does', async () => {
    const { sessions, mesh, boxIds, world } = await collect(false)
    // It looked at something: every client had several epochs, and every role had work.
    for (let client = 0; client < CLIENTS; client += 1) {
      const own = sessions.filter((session) => session.client === client)
      assert.ok(new Set(own.map(({ epoch }) => epoch)).size >= 3, `epochs of client ${client}`)
      assert.ok(own.every(({ records }) => records.length > 0))
    }
    const opened = mesh.filter((each) => each.opened !== undefined)
    assert.ok(opened.length > 1_000)
    assert.ok(boxIds.size > 200)

    // A courier: neither ids in what it is sent, nor in what it passes on, which is the same sealed bytes.
    const ids = [...boxIds]
    for (const { records } of sessions) {
      for (const record of records) {
        const windows = new Set<string>()
        for (let at = 0; at + 32 <= record.length; at += 1)
          windows.add(Buffer.from(record.subarray(at, at + 32)).toString('hex'))
        assert.ok(!ids.some((id) => windows.has(id)), 'a courier was shown a box id')
      }
    }
    // Control: the intermediates' logs do hold ids, so that the search would find one.
    const [sample] = opened
    assert.ok(sample?.opened !== undefined && ids.some((id) => contains(sample.opened ?? new Uint8Array(), id)))

    // A host: whoever asks it is a host, and nothing in what it is asked is of a session.
    const hostKeys = new Set(world.hosts.map(({ keys }) => hexEncode(keys.hostKey)))
    const identities: Uint8Array[] = sessions.flatMap(({ remoteKey, isolation }) => [
      remoteKey,
      new Uint8Array(Buffer.from(isolation)),
    ])
    for (const { from, body, opened: plain } of mesh) {
      assert.ok(hostKeys.has(from), 'somebody who is no host asked a host')
      for (const identity of identities) {
        assert.ok(
          !contains(body, identity) && !(plain !== undefined && contains(plain, identity)),
          'a host was shown a client',
        )
      }
    }

    // Sessions: nothing that any two of them have in common, of one client or of two.
    assert.equal(linkedPairs(sessions), 0)
    // Tags begin anew, so that a counter does not go on from one session to the next.
    const firstTags = sessions.flatMap(({ records }) => {
      const first = records.map(decodeCourierRequest).find((each) => each?.kind === 'write' || each?.kind === 'read')
      return first?.kind === 'write' || first?.kind === 'read' ? [first.firstTag] : []
    })
    assert.ok(firstTags.length > 2 * CLIENTS)
    assert.equal(new Set(firstTags).size, 1, 'tags begin at one number in every session')

    const control = await collect(true)
    assert.ok(linkedPairs(control.sessions) > 0, 'one identity for everything is found')
  })
})
