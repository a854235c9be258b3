/**
 * Several messengers in one process: virtual time, memory network, memory stores that survive a restart.
 * Never real time and never a socket.
 * @module
 */
import { onionPublicKey, x25519PublicKey } from '../../src/crypto/index.ts'
import { MAILBOX_PARAMETERS } from '../../src/mailbox/index.ts'
import { type Messenger, openMessenger, SESSION_FUNCTIONS, type SessionFunctions } from '../../src/messenger/index.ts'
import { createTrafficMeter } from '../../src/padding/index.ts'
import type {
  Clock,
  KeyValueStore,
  Logger,
  RecordLink,
  RecordNetwork,
  StoreOperation,
  TorStatus,
} from '../../src/ports/index.ts'
import { createMemoryRecordHub, type MemoryRecordHub } from '../../src/transport/index.ts'
import { type HostEntry, LANE_RECORD_BYTES, onionAddress, RENDEZVOUS_RECORD_BYTES } from '../../src/wire/index.ts'
import { createMemoryFiles, type MemoryFiles } from './memory-files.ts'
import { createMemoryMailboxes, type MemoryMailboxes } from './memory-mailboxes.ts'
import { createSeededRandom } from './seeded-random.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

const TOR_STATUS: TorStatus = {
  stage: 'ready',
  bootstrapPercent: 100,
  bootstrapTag: 'done',
  mode: 'attached',
  version: undefined,
  lastError: undefined,
  warnings: [],
}

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
}

export interface World {
  readonly clock: VirtualClock
  readonly hub: MemoryRecordHub
  readonly mailboxes: MemoryMailboxes
  /** What background tasks reported as bugs. */
  readonly failures: unknown[]
  messenger(name: string): Messenger
  /** Stops a messenger and opens it again from its store. */
  restart(name: string): Promise<void>
  stopOne(name: string): Promise<void>
  listenerCount(): number
  /** Wall-clock times at which this member put a service up. */
  listenTimes(name: string): readonly number[]
  /** Wall-clock times at which this member dialled. */
  dialTimes(name: string): readonly number[]
  /** How often this member dialled. */
  dialsBy(name: string): number
  /** Called before each batch of this member; a promise holds the batch, a throw fails it. */
  beforeBatch(name: string, hook: ((operations: readonly StoreOperation[]) => Promise<void> | void) | undefined): void
  /** What this member's user has on disk. */
  files(name: string): MemoryFiles
  /** Keys of this member's store that contain the text. */
  storedKeys(name: string, text: string): readonly string[]
  /** Lane records handed to a link so far. */
  recordsSentBy(name: string): number
  /** While true, records of lanes vanish though no link ends, as when a machine loses power. */
  silenceLanes(isSilent: boolean): void
  /** While true, the last record of a rendezvous is lost. */
  dropRendezvousAnswers(isDropping: boolean): void
  /** True when any stored value of this messenger contains the text. */
  storeHolds(name: string, text: string): boolean
  stop(): Promise<void>
}

interface Member {
  readonly name: string
  readonly files: MemoryFiles
  readonly values: Map<string, Uint8Array>
  readonly seed: number
  readonly clock: Clock
  readonly listenTimes: number[]
  messenger: Messenger | undefined
  records: number
  readonly dialTimes: number[]
  beforeBatch: ((operations: readonly StoreOperation[]) => Promise<void> | void) | undefined
}

export async function createWorld(
  names: readonly string[],
  options: {
    readonly clockOf?: (name: string, clock: VirtualClock) => Clock
    /** The ratchet of this member, for those who misuse it. */
    readonly sessionOf?: (name: string) => SessionFunctions
    /** Hosts that every member knows; none unless given. */
    readonly hosts?: readonly HostEntry[]
  } = {},
): Promise<World> {
  const clock = createVirtualClock()
  const hub = createMemoryRecordHub({
    clock,
    addressOf: (secretKey) => onionAddress(onionPublicKey(secretKey)),
    clientPublicKeyOf: x25519PublicKey,
  })
  const mailboxes = createMemoryMailboxes()
  const failures: unknown[] = []
  const members = new Map<string, Member>()
  let listeners = 0
  let isDropping = false
  let isSilent = false
  let opened = 0

  const watchNetwork = (network: RecordNetwork, member: Member): RecordNetwork => {
    const watch = (link: RecordLink, isListener: boolean): RecordLink => {
      let sent = 0
      return {
        ...link,
        async send(record) {
          sent += 1
          if (link.recordBytes === LANE_RECORD_BYTES) member.records += 1
          if (isSilent && link.recordBytes === LANE_RECORD_BYTES) return
          // The listener's second record of a rendezvous is the answer to the request.
          if (isDropping && isListener && link.recordBytes === RENDEZVOUS_RECORD_BYTES && sent === 2)
            return link.close()
          return link.send(record)
        },
      }
    }
    return {
      async listen(options) {
        const listener = await network.listen({ ...options, onLink: (link) => options.onLink(watch(link, true)) })
        listeners += 1
        member.listenTimes.push(clock.nowMs())
        let isOpen = true
        return {
          ...listener,
          async close() {
            if (isOpen) listeners -= 1
            isOpen = false
            await listener.close()
          },
        }
      },
      async dial(options) {
        member.dialTimes.push(clock.nowMs())
        return watch(await network.dial(options), false)
      },
      stop: () => network.stop(),
    }
  }

  const open = async (member: Member): Promise<void> => {
    opened += 1
    const messenger = await openMessenger({
      clock: member.clock,
      random: createSeededRandom(member.seed * 1_000 + opened),
      logger: SILENT,
      store: createMapStore(member),
      files: member.files,
      tor: { status: () => TOR_STATUS },
      network: watchNetwork(hub.createNetwork(), member),
      session: options.sessionOf?.(member.name) ?? SESSION_FUNCTIONS,
      traffic: createTrafficMeter(),
      mailbox: MAILBOX_PARAMETERS,
      createMailbox: (owner) =>
        Promise.resolve(
          mailboxes.client({
            clock: member.clock,
            random: createSeededRandom(member.seed * 1_000 + opened + 500),
            parameters: MAILBOX_PARAMETERS,
            owner,
            onFailure: (error) => failures.push(error),
            hosts: options.hosts ?? [],
          }),
        ),
      onFailure: (error) => failures.push(error),
    })
    member.messenger = messenger
    await messenger.start()
  }
  const find = (name: string): Member => {
    const member = members.get(name)
    if (member === undefined) throw new Error(`nobody is called ${name}`)
    return member
  }

  for (const [index, name] of names.entries()) {
    const member: Member = {
      name,
      files: createMemoryFiles(),
      values: new Map(),
      seed: 1 + index,
      clock: options.clockOf?.(name, clock) ?? clock,
      listenTimes: [],
      messenger: undefined,
      records: 0,
      dialTimes: [],
      beforeBatch: undefined,
    }
    members.set(name, member)
    await open(member)
  }

  return {
    clock,
    hub,
    mailboxes,
    failures,
    messenger(name) {
      const { messenger } = find(name)
      if (messenger === undefined) throw new Error(`${name} is stopped`)
      return messenger
    },
    async restart(name) {
      await find(name).messenger?.stop()
      await open(find(name))
    },
    async stopOne(name) {
      await find(name).messenger?.stop()
      find(name).messenger = undefined
    },
    listenerCount: () => listeners,
    listenTimes: (name) => find(name).listenTimes,
    dialTimes: (name) => find(name).dialTimes,
    dialsBy: (name) => find(name).dialTimes.length,
    beforeBatch(name, hook) {
      find(name).beforeBatch = hook
    },
    files: (name) => find(name).files,
    storedKeys: (name, text) => [...find(name).values.keys()].filter((key) => key.includes(text)),
    recordsSentBy: (name) => find(name).records,
    silenceLanes(silent) {
      isSilent = silent
    },
    dropRendezvousAnswers(dropping) {
      isDropping = dropping
    },
    storeHolds(name, text) {
      const needle = Buffer.from(text)
      return [...find(name).values.values()].some((value) => Buffer.from(value).includes(needle))
    },
    async stop() {
      for (const member of members.values()) await member.messenger?.stop()
    },
  }
}

/** A store whose content outlives it, as a disk does. */
function createMapStore(member: Pick<Member, 'values' | 'beforeBatch'>): KeyValueStore {
  const { values } = member
  const keyOf = (table: string, key: string): string => `${table}\0${key}`
  return {
    get: (table, key) => Promise.resolve(values.get(keyOf(table, key))?.slice()),
    async batch(operations) {
      await member.beforeBatch?.(operations)
      for (const operation of operations) {
        const key = keyOf(operation.table, operation.key)
        if (operation.type === 'put') values.set(key, operation.value.slice())
        else values.delete(key)
      }
    },
    renewErasureKey: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}

/** Takes two members through invite, request and acceptance; gives the contact id that each has for the other. */
export async function pairUp(
  world: World,
  acceptor: string,
  inviter: string,
  message?: string,
): Promise<Readonly<Record<string, string>> & { readonly alice: string; readonly bob: string }> {
  const [first, second] = [world.messenger(acceptor), world.messenger(inviter)]
  const { uri } = await second.createInvite({})
  const { contactId } = await first.acceptInvite({ uri, ...(message === undefined ? {} : { message }) })
  await world.clock.advanceUntil(async () => (await second.listRequests()).length > 0, 120_000)
  const [request] = await second.listRequests()
  const accepted = await second.acceptRequest({ requestId: request?.requestId ?? '' })
  const isActive = async (): Promise<boolean> =>
    (await first.listContacts()).some((contact) => contact.contactId === contactId && contact.state === 'active')
  await world.clock.advanceUntil(isActive, 300_000)
  return { alice: contactId, bob: accepted.contactId, [acceptor]: contactId, [inviter]: accepted.contactId }
}

export async function receivedTexts(messenger: Messenger, contactId: string): Promise<readonly string[]> {
  const messages = await messenger.listMessages({ contactId, limit: 500 })
  return messages.filter(({ direction }) => direction === 'received').map(({ text }) => text)
}
