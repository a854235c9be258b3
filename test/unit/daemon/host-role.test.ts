import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { ed25519PublicKey, onionPublicKey, x25519PublicKey } from '../../../src/crypto/index.ts'
import {
  composeDaemon,
  createSystemClock,
  createSystemRandom,
  type Daemon,
  resolveConfig,
} from '../../../src/daemon/index.ts'
import type { LinkOptions, RecordNetwork, TorProvider } from '../../../src/ports/index.ts'
import { connectRpc, type RpcClient } from '../../../src/rpc/index.ts'
import { createFakeTorNetwork, createFakeTorProvider, type FakeTorNetwork } from '../../../src/tor/index.ts'
import { onionAddress } from '../../../src/wire/index.ts'
import { waitFor } from '../../support/daemon-process.ts'
import { silentLogger } from '../../support/silent-logger.ts'

const LIMIT_MS = 120_000
const STOP_LIMIT_MS = 5_000

/** What tor and a far end can see of one role: circuits, transport identities, onion services. */
interface Traces {
  readonly tokens: Set<string>
  readonly peers: Set<string>
  readonly onions: Set<string>
}

const noTraces = (): Traces => ({ tokens: new Set(), peers: new Set(), onions: new Set() })

interface Running {
  readonly rpc: RpcClient
  readonly profile: Traces
  readonly host: Traces
  /** All tokens and onions that tor saw, whoever made them. */
  readonly tor: Traces
  readonly failures: readonly unknown[]
  stop(): Promise<number>
}

const root = mkdtempSync(join(tmpdir(), 'nd-host-'))
after(() => rmSync(root, { recursive: true, force: true }))
let count = 0
const freshDirectory = (): string => join(root, `d${++count}`)

const clock = createSystemClock()

function createTor(network: FakeTorNetwork): TorProvider {
  return createFakeTorProvider({
    network,
    addressOf: (secretKey) => onionAddress(onionPublicKey(secretKey)),
    clientPublicKeyOf: x25519PublicKey,
  })
}

function watchTor(tor: TorProvider, seen: Traces): TorProvider {
  return {
    ...tor,
    async publishOnion(options) {
      const service = await tor.publishOnion(options)
      seen.onions.add(service.address)
      return service
    },
    connect(address, port, options) {
      seen.tokens.add(options.isolation)
      return tor.connect(address, port, options)
    },
  }
}

function watchNetwork(network: RecordNetwork, seen: Traces): RecordNetwork {
  const note = ({ localSeed }: LinkOptions): void => void seen.peers.add(hexEncode(ed25519PublicKey(localSeed)))
  return {
    async listen(options) {
      note(options)
      const listener = await network.listen(options)
      seen.onions.add(listener.address)
      return listener
    },
    dial(options) {
      note(options)
      seen.tokens.add(options.isolation)
      return network.dial(options)
    },
    stop: () => network.stop(),
  }
}

async function start(
  network: FakeTorNetwork,
  file: Readonly<Record<string, unknown>>,
  directory = freshDirectory(),
): Promise<Running> {
  const config = resolveConfig(
    {
      dataDirectory: join(directory, 'd'),
      keyFile: join(directory, 'key'),
      socketPath: join(directory, 'r', 'rpc.sock'),
      unsafe: { mailboxSpeed: 100 },
      ...file,
    },
    {},
    {},
  )
  assert.ok(config.ok)
  const [profile, host, tor] = [noTraces(), noTraces(), noTraces()]
  const failures: unknown[] = []
  const daemon: Daemon = await composeDaemon(config.config, {
    clock,
    random: createSystemRandom(),
    logger: silentLogger,
    version: '0',
    environment: {},
    onShutdown: () => undefined,
    onFailure: (error) => failures.push(error),
    tor: watchTor(createTor(network), tor),
    wrapNetwork: (real, role) => watchNetwork(real, role === 'host' ? host : profile),
  })
  await daemon.start()
  const rpc = await connectRpc(config.config.socketPath)
  return {
    rpc,
    profile,
    host,
    tor,
    failures,
    async stop() {
      await rpc.close()
      const beganMs = clock.monotonicMs()
      await daemon.stop()
      return clock.monotonicMs() - beganMs
    },
  }
}

function common(a: ReadonlySet<string>, b: ReadonlySet<string>): readonly string[] {
  return [...a].filter((each) => b.has(each))
}

describe('the host role', () => {
  it('has nothing in common with the profile that tor or a far end could see', { timeout: 4 * LIMIT_MS }, async () => {
    const network = createFakeTorNetwork({ clock })
    const first = await start(network, { ephemeral: true, host: { enabled: true } })
    const uri = (await first.rpc.call('hostStats', {})).host
    const second = await start(network, { ephemeral: true, host: { enabled: true }, hosts: [uri] })
    try {
      await waitFor('both roles at work', LIMIT_MS, async () => {
        const { mailbox } = await second.rpc.call('status', {})
        const { hosts } = await second.rpc.call('hostStats', {})
        const isReady = mailbox.couriers.some(({ stage }) => stage === 'ready')
        return isReady && mailbox.hosts === 2 && hosts === 2 ? true : undefined
      })
      await second.rpc.call('createInvite', { rendezvous: true })
      await waitFor('a rendezvous', LIMIT_MS, async () => second.profile.onions.size > 0 || undefined)
      const stats = await second.rpc.call('hostStats', {})
      const { profile, host, tor } = second
      // The mesh has an onion and circuits beside those of the record network; whatever is not the profile's is the host's.
      const hostTokens = new Set([...tor.tokens].filter((token) => token.startsWith('host:')))
      const profileTokens = new Set([...tor.tokens].filter((token) => token.startsWith('profile:')))
      assert.equal(hostTokens.size + profileTokens.size, tor.tokens.size, 'a stream of neither role')
      for (const token of profile.tokens) assert.ok(profileTokens.has(`profile:${token}`))
      for (const token of host.tokens) assert.ok(hostTokens.has(`host:${token}`))
      const bare = (tokens: ReadonlySet<string>): ReadonlySet<string> =>
        new Set([...tokens].map((token) => token.slice(token.indexOf(':') + 1)))
      assert.deepEqual(common(bare(hostTokens), bare(profileTokens)), [])

      const hostPeers = new Set([...host.peers, stats.hostKey])
      assert.deepEqual(common(hostPeers, profile.peers), [])
      const hostOnions = new Set([...tor.onions].filter((address) => !profile.onions.has(address)))
      assert.deepEqual(common(host.onions, profile.onions), [])

      // Controls: there was something to compare, of each kind and in each role, and a shared one would show.
      for (const seen of [hostTokens, profileTokens, hostPeers, profile.peers, hostOnions, profile.onions]) {
        assert.ok(seen.size > 0)
      }
      assert.equal(hostOnions.size, 2)
      assert.deepEqual(common(hostPeers, new Set([stats.hostKey])), [stats.hostKey])
      assert.deepEqual([...first.failures, ...second.failures], [])
    } finally {
      for (const daemon of [second, first]) {
        const stopMs = await daemon.stop()
        assert.ok(stopMs < STOP_LIMIT_MS, `stopping took ${stopMs.toFixed(0)} ms`)
      }
    }
  })

  it('keeps boxes in a directory of its own, and is the same host after a restart', async () => {
    const directory = freshDirectory()
    const network = createFakeTorNetwork({ clock })
    const options = { host: { enabled: true, quotaMib: 3 } }
    const before = await start(network, options, directory)
    const stats = await before.rpc.call('hostStats', {})
    assert.equal(stats.quotaBytes, 3 * 2 ** 20)
    await before.stop()
    for (const path of ['d/host', 'd/host/boxes']) {
      assert.equal(statSync(join(directory, path)).mode & 0o777, 0o700, path)
    }
    assert.ok(readdirSync(join(directory, 'd/host/boxes')).length > 0)
    const again = await start(createFakeTorNetwork({ clock }), options, directory)
    assert.equal((await again.rpc.call('hostStats', {})).host, stats.host)
    await again.stop()
  })

  it('keeps boxes in memory where nothing may touch the disk, as a new host each time', async () => {
    const directory = freshDirectory()
    const uris: string[] = []
    for (let round = 0; round < 2; round += 1) {
      const daemon = await start(
        createFakeTorNetwork({ clock }),
        { ephemeral: true, host: { enabled: true } },
        directory,
      )
      uris.push((await daemon.rpc.call('hostStats', {})).host)
      await daemon.stop()
    }
    assert.notEqual(uris[0], uris[1])
    assert.equal(existsSync(join(directory, 'd')), false)
  })

  it('alone, leaves the profile without couriers and without circuits', async () => {
    const network = createFakeTorNetwork({ clock })
    const first = await start(network, { ephemeral: true, host: { enabled: true, alone: true } })
    const { host: uri } = await first.rpc.call('hostStats', {})
    const second = await start(network, { ephemeral: true, host: { enabled: true, alone: true }, hosts: [uri] })
    await waitFor('the hosts to meet', LIMIT_MS, async () =>
      (await second.rpc.call('hostStats', {})).hosts === 2 ? true : undefined,
    )
    const { mailbox } = await second.rpc.call('status', {})
    assert.deepEqual([mailbox.hosts, mailbox.couriers], [0, []])
    assert.equal(second.profile.tokens.size, 0)
    assert.ok(second.host.tokens.size > 0, 'control: the host role dialled')
    for (const daemon of [second, first]) await daemon.stop()
  })

  it('is not there unless it was asked for', async () => {
    const directory = freshDirectory()
    const daemon = await start(createFakeTorNetwork({ clock }), {}, directory)
    await assert.rejects(daemon.rpc.call('hostStats', {}), { code: 'HOST_ROLE_OFF' })
    assert.equal(daemon.tor.onions.size, 0)
    await daemon.stop()
    assert.equal(existsSync(join(directory, 'd', 'host')), false)
  })
})
