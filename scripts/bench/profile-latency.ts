/**
 * `npm run bench:latency [profile [messages [speed [seed [clients]]]]]`: how long a box takes from its writer to its reader
 * over a private Tor network, hot and cold, beside the table of METADATA §3.5.
 * The shipped hosts and clients, with the one-way times that the table assumes put in front of tor: the clock of the profile, these
 * times and those of the couriers run `speed` times as fast, real tor and the machine do not, and what is shown is times `speed`.
 * Never a figure of the Internet.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  converse,
  createParty,
  oneWayTimes,
  type Party,
  type Sample,
  summarize,
} from '../../simulations/profile-latency.ts'
import { MINUTE_MS } from '../../src/base/index.ts'
import { composeHostRole, type HostRole } from '../../src/daemon/host-role.ts'
import { createSystemClock, createSystemRandom } from '../../src/daemon/index.ts'
import { parseHostUri, testParameters } from '../../src/mailbox/index.ts'
import { PROFILE_NAMES, profileOf } from '../../src/padding/index.ts'
import type { TorProvider } from '../../src/ports/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import { createRecordNetwork } from '../../src/transport/index.ts'
import type { HostEntry } from '../../src/wire/index.ts'
import { waitFor } from '../../test/support/daemon-process.ts'
import { delayTor } from '../../test/support/delayed-tor.ts'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { silentLogger } from '../../test/support/silent-logger.ts'
import { startTornet } from '../../test/support/tornet/index.ts'
import { attach } from './transport.ts'

const HOSTS = 10
/** Many slow ones rather than few fast ones: what tor and the machine add is then as small as it is for people. */
const CLIENTS_DEFAULT = 24
const MESSAGES_DEFAULT = 200
/** Fast enough to end; hosts and clients share one process. */
const SPEED_DEFAULT = 2
const JOIN_LIMIT_MS = 300_000
const REPORT_MS = 30_000
/** Of the profile's clock: the early pages of the table are over, and seven of ten loops of the beginning have come back. */
const WARM_UP_MS = 6 * MINUTE_MS
/** Of lane R: the early slots of an epoch, of which every other one is for the table. */
const WARM_UP_SLOTS = 24

const profile = PROFILE_NAMES.find((name) => name === (process.argv[2] ?? 'balanced'))
const messages = Number(process.argv[3] ?? MESSAGES_DEFAULT)
const speed = Number(process.argv[4] ?? SPEED_DEFAULT)
const seed = Number(process.argv[5] ?? 1)
const clients = Number(process.argv[6] ?? CLIENTS_DEFAULT)
if (profile === undefined || !(messages >= 1) || !(speed >= 1) || !(clients >= 2)) {
  process.stderr.write('Usage: node scripts/bench/profile-latency.ts [profile [messages [speed [seed [clients]]]]]\n')
  process.exit(2)
}

const clock = createSystemClock()
const random = createSystemRandom()
const parameters = testParameters(speed)
const startedMs = performance.now()
const report = (line: string): void =>
  void process.stderr.write(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s] ${line}\n`)
const onFailure = (error: unknown): void => {
  throw error
}

const directory = mkdtempSync(join(tmpdir(), 'noctule-lat-'))
const tornet = await startTornet({ namespace: 'quickack', clients: 2 })
const tors: TorProvider[] = []
const roles: HostRole[] = []
const parties: Party[] = []
try {
  const [hostClient, partyClient] = tornet.clients
  if (hostClient === undefined || partyClient === undefined) throw new Error('two tors are needed')
  const oneWayMs = oneWayTimes(createSeededRandom(seed), speed)
  const hostTor = await attach(hostClient, join(directory, 'h'))
  const partyTor = await attach(partyClient, join(directory, 'p'))
  tors.push(hostTor, partyTor)
  const farHosts = delayTor(hostTor, oneWayMs)
  const farParties = delayTor(partyTor, oneWayMs)

  const entries: HostEntry[] = []
  for (let index = 0; index < HOSTS; index += 1) {
    const network = createRecordNetwork({ torProvider: farHosts, logger: silentLogger })
    const deps = { clock, random, logger: silentLogger, store: createMemoryStore(), tor: farHosts, network, onFailure }
    const role = await composeHostRole(deps, {
      boxDirectory: undefined,
      quotaMib: 64,
      parameters,
      entries: entries.slice(0, 1),
    })
    await role.start()
    roles.push(role)
    const stats = await waitFor('a host', JOIN_LIMIT_MS, async () => {
      const found = role.face.stats()
      return found?.published ? found : undefined
    })
    const parsed = parseHostUri(stats.host)
    if (!parsed.ok) throw new Error('the host names itself badly')
    entries.push(parsed.entry)
  }
  await waitFor('the hosts to know each other', JOIN_LIMIT_MS, async () =>
    roles.every(({ face }) => face.stats()?.hosts === HOSTS) ? true : undefined,
  )
  report(`${HOSTS} hosts know each other`)

  const [entry] = entries
  if (entry === undefined) throw new Error('no host')
  for (let index = 0; index < clients; index += 1) {
    const network = createRecordNetwork({ torProvider: farParties, logger: silentLogger })
    parties.push(await createParty({ clock, parameters, network, entry }, profile, seed * 1_000 + index))
  }
  await waitFor('the tables of the clients', JOIN_LIMIT_MS, async () =>
    parties.every(({ client }) => client.status().hosts === HOSTS) ? true : undefined,
  )
  report(`${clients} clients know all hosts`)
  await clock.sleep(Math.max(WARM_UP_MS / speed, WARM_UP_SLOTS * profileOf(profile, speed).read.meanMs))

  const samples: Sample[] = []
  const telling = setInterval(() => report(`${samples.length} boxes`), REPORT_MS)
  const pauseMs = 2 * profileOf(profile, speed).write.meanMs
  const words = createSeededRandom(seed + 1)
  await Promise.all(
    parties.map((writer, index) => {
      const reader = parties[(index + 1) % parties.length] ?? writer
      const count = Math.ceil((2 * messages) / parties.length)
      return converse(clock, [writer, reader], words, pauseMs, count, (sample) => void samples.push(sample))
    }),
  )
  clearInterval(telling)
  const result = { profile, speed, hosts: HOSTS, clients, seed, ...summarize(samples, speed) }
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
} finally {
  await Promise.all(parties.map((party) => party.stop()))
  await Promise.all(roles.map((role) => role.stop().then(() => role.close())))
  await Promise.all(tors.map((tor) => tor.stop()))
  await tornet.stop()
  rmSync(directory, { recursive: true, force: true })
}
