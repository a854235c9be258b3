import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { isAppError } from '../../../src/base/index.ts'
import { createTorProvider, type RealTorProvider, TOR_DEFAULTS } from '../../../src/tor/index.ts'
import {
  addClientKeyCommand,
  addOnionCommand,
  deleteOnionCommand,
  removeClientKeyCommand,
} from '../../../src/tor/onions/index.ts'
import {
  type ControlFilter,
  documentedProfile,
  type FilterProfile,
  isAdmitted,
  startControlFilter,
} from './control-filter.ts'
import {
  addressOf,
  childOptions,
  clientKey,
  later,
  onionKey,
  type ScriptedControl,
  scriptedControl,
  shortDirectory,
  silentLogger,
  systemClock,
  systemRandom,
  until,
} from './support.ts'

/** Says yes to everything and reports a descriptor upload for each service. */
async function agreeableTor(t: TestContext, keys: ReadonlyMap<string, string>): Promise<ScriptedControl> {
  const tor: ScriptedControl = await scriptedControl(t, (line) => {
    if (line === 'GETINFO status/bootstrap-phase') {
      return '250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"\r\n250 OK\r\n'
    }
    const address = keys.get(/ED25519-V3:(\S+)/.exec(line)?.[1] ?? '')
    if (address === undefined) return '250 OK\r\n'
    const events = ['UPLOAD', 'UPLOADED'].map((action) => `650 HS_DESC ${action} ${address} UNKNOWN redacted\r\n`)
    return `250-ServiceID=${address}\r\n250 OK\r\n${events.join('')}`
  })
  return tor
}

interface Bench {
  readonly provider: RealTorProvider
  readonly filter: ControlFilter
  readonly tor: ScriptedControl
  readonly key: ReturnType<typeof onionKey>
}

async function behind(t: TestContext, profile: FilterProfile): Promise<Bench> {
  const key = onionKey()
  const tor = await agreeableTor(t, new Map([[Buffer.from(key).toString('base64'), addressOf(key)]]))
  const upstream = async (): Promise<{ path: string; authenticate: string }> => ({
    path: tor.path,
    authenticate: 'AUTHENTICATE',
  })
  const filter = await startControlFilter(t, profile, upstream)
  const directory = await shortDirectory(t)
  const provider = createTorProvider(
    { clock: systemClock, random: systemRandom, logger: silentLogger, addressOf },
    {
      ...childOptions(directory),
      mode: 'attach',
      candidates: [{ host: '127.0.0.1', port: filter.port }],
      socks: { path: `${directory}/none` },
    },
  )
  later(t, () => provider.stop())
  await provider.start()
  await provider.whenReady(AbortSignal.timeout(5_000))
  return { provider, filter, tor, key }
}

const publish = (
  bench: Bench,
  clients: readonly Uint8Array[] = [],
  virtualPort = 80,
): ReturnType<RealTorProvider['publishOnion']> =>
  bench.provider.publishOnion({
    secretKey: bench.key,
    virtualPort,
    authorizedClients: clients,
    onStream: () => undefined,
    proofOfWork: true,
  })

describe('behind a control-port filter', { timeout: 20_000 }, () => {
  it('has nothing refused under the documented noctule profile', async (t) => {
    const bench = await behind(t, documentedProfile('noctule'))
    const client = clientKey()
    const service = await publish(bench, [client.publicKey, clientKey().publicKey])
    await service.published(AbortSignal.timeout(5_000))
    const remove = await bench.provider.authorizeClient(addressOf(onionKey()), client.privateKey)
    await remove()
    await service.close()
    assert.deepEqual(bench.provider.status().warnings, [])
    assert.equal(bench.provider.status().mode, 'attached')
    assert.deepEqual(
      bench.filter.seen.filter((entry) => !entry.admitted),
      [],
    )
    assert.deepEqual(
      bench.filter.seen.map((entry) => entry.line.split(' ')[0]),
      ['SETEVENTS', 'GETINFO', 'ADD_ONION', 'ONION_CLIENT_AUTH_ADD', 'ONION_CLIENT_AUTH_REMOVE', 'DEL_ONION'],
    )
  })

  it('works under the profile of OnionShare, with a warning for each thing refused', async (t) => {
    const bench = await behind(t, documentedProfile('onionshare'))
    assert.equal(bench.provider.status().stage, 'ready')
    const service = await publish(bench, [clientKey().publicKey])
    await service.published(AbortSignal.timeout(5_000))
    await assert.rejects(bench.provider.authorizeClient(addressOf(onionKey()), clientKey().privateKey), (error) =>
      isAppError(error, 'TOR_FEATURE_REFUSED'),
    )
    await service.close()
    assert.deepEqual(bench.provider.status().warnings, [
      'TOR_BOOTSTRAP_EVENTS_REFUSED',
      'TOR_BOOTSTRAP_UNKNOWN',
      'TOR_CLIENT_AUTHORIZATION_REFUSED',
      'TOR_PROOF_OF_WORK_REFUSED',
    ])
    const added = bench.tor.received.filter((line) => line.startsWith('ADD_ONION'))
    assert.equal(added.length, 1)
    assert.match(added[0] ?? '', / Flags=V3Auth Port=80,176\d\d ClientAuthV3=[A-Z2-7]{52}$/)
  })

  it('refuses to publish an authorised service without its clients', async (t) => {
    const bench = await behind(t, documentedProfile('onionshare'))
    const refused = publish(bench, [clientKey().publicKey, clientKey().publicKey])
    await assert.rejects(refused, (error) => isAppError(error, 'TOR_FEATURE_REFUSED'))
    await assert.rejects(publish(bench, [], 9878), (error) => isAppError(error, 'TOR_FEATURE_REFUSED'))
    assert.ok(!bench.tor.received.some((line) => line.startsWith('ADD_ONION')))
    await publish(bench)
  })

  it('counts services as published where no event may be asked for', async (t) => {
    const bench = await behind(t, { ...documentedProfile('noctule'), events: {} })
    const service = await publish(bench)
    await service.published(AbortSignal.timeout(5_000))
    assert.deepEqual(bench.provider.status().warnings, ['TOR_BOOTSTRAP_EVENTS_REFUSED', 'TOR_UPLOAD_EVENTS_REFUSED'])
  })

  it('keeps the two events apart when only one is allowed', async (t) => {
    const bench = await behind(t, { ...documentedProfile('noctule'), events: { STATUS_CLIENT: 'pass' } })
    assert.deepEqual(bench.provider.status().warnings, ['TOR_UPLOAD_EVENTS_REFUSED'])
  })

  it('publishes again when the filter loses its tor', async (t) => {
    const bench = await behind(t, documentedProfile('noctule'))
    const service = await publish(bench)
    await service.published(AbortSignal.timeout(5_000))
    await bench.provider.authorizeClient(addressOf(onionKey()), clientKey().privateKey)
    const connections = bench.tor.connections
    bench.tor.drop()
    await until(() => bench.provider.status().stage === 'lost')
    await bench.provider.whenReady(AbortSignal.timeout(5_000))
    await service.published(AbortSignal.timeout(5_000))
    assert.equal(bench.tor.connections, connections + 1)
    const count = (verb: string): number => bench.tor.received.filter((line) => line.startsWith(`${verb} `)).length
    assert.equal(count('ADD_ONION'), 2)
    assert.equal(count('ONION_CLIENT_AUTH_ADD'), 2)
    await bench.provider.stop()
    // The tor lives on after us: it gets no key to keep.
    await until(() => count('ONION_CLIENT_AUTH_REMOVE') === 1)
  })

  it('tries again what a later tor refuses, and says so meanwhile', async (t) => {
    const key = onionKey()
    const address = addressOf(key)
    let refusals = 0
    const tor = await scriptedControl(t, (line) => {
      if (line.startsWith('PROTOCOLINFO')) return '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250 OK\r\n'
      if (line.startsWith('ADD_ONION') && tor.connections === 2 && refusals < 2) {
        refusals += 1
        return '551 Failed to add\r\n'
      }
      if (line.startsWith('ADD_ONION')) return `250-ServiceID=${address}\r\n250 OK\r\n`
      return line.startsWith('SETEVENTS') ? '552 Unrecognized event\r\n' : '250 OK\r\n'
    })
    const directory = await shortDirectory(t)
    const provider = createTorProvider(
      { clock: systemClock, random: systemRandom, logger: silentLogger, addressOf },
      { ...childOptions(directory), mode: 'attach', control: { path: tor.path }, socks: { path: `${directory}/none` } },
    )
    later(t, () => provider.stop())
    await provider.start()
    await provider.whenReady(AbortSignal.timeout(5_000))
    const options = { secretKey: key, virtualPort: 80, authorizedClients: [], onStream: () => undefined }
    const service = await provider.publishOnion(options)
    await service.published()
    tor.drop()
    await until(() => provider.status().warnings.includes('TOR_ADD_ONION_REFUSED'))
    await service.published(AbortSignal.timeout(5_000))
    assert.equal(refusals, 2)
  })

  it('control: the filter does refuse other forms', () => {
    const profile = documentedProfile('noctule')
    const base = { secretKey: onionKey(), virtualPort: 80, authorizedClients: [], proofOfWork: false }
    const onion = (port: number): string => addOnionCommand({ ...base, target: { port } }).line.reveal()
    const address = addressOf(onionKey())
    const admitted = [
      onion(TOR_DEFAULTS.portRange.first),
      onion(TOR_DEFAULTS.portRange.last),
      deleteOnionCommand(address).line.reveal(),
      addClientKeyCommand(address, new Uint8Array(32)).line.reveal(),
      removeClientKeyCommand(address).line.reveal(),
    ]
    for (const line of admitted) assert.ok(isAdmitted(profile, line), line)
    const refused = [
      onion(TOR_DEFAULTS.portRange.last + 1),
      `${onion(17_600)} Flags=Detach`,
      onion(17_600).replace('Port=', 'Flags=Detach Port='),
      onion(17_600).replace('80,', '80,10.0.0.1:'),
      'DEL_ONION x',
      'GETINFO circuit-status',
      'SETCONF DisableNetwork=0',
      'SETEVENTS HS_DESC CIRC',
    ]
    for (const line of refused) assert.ok(!isAdmitted(profile, line), line)
  })
})
