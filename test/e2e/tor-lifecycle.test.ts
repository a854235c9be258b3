import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { isAppError } from '../../src/base/index.ts'
import type { OnionSecretKey, TorStatus } from '../../src/ports/index.ts'
import { connectControl, createTorProvider, type RealTorProvider } from '../../src/tor/index.ts'
import { addOnionCommand } from '../../src/tor/onions/index.ts'
import { documentedProfile, startControlFilter } from '../unit/tor/control-filter.ts'
import {
  addressOf,
  childOptions,
  clientKey,
  later,
  onionKey,
  shortDirectory,
  silentLogger,
  systemClock,
  systemRandom,
  until,
} from '../unit/tor/support.ts'

const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, addressOf }

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const running = (provider: RealTorProvider): Promise<void> => until(() => provider.status().stage === 'bootstrapping')

/** Asks the tor in `directory` to add `key` once more: it says that it has it already, or takes it. */
async function hasOnion(directory: string, secretKey: OnionSecretKey): Promise<boolean> {
  const control = await connectControl({ path: `${directory}/control` })
  try {
    await control.authenticate()
    const target = { path: `${directory}/probe` }
    const add = { secretKey, virtualPort: 80, target, authorizedClients: [], proofOfWork: false }
    const reply = await control.request(addOnionCommand(add))
    assert.ok(reply.status === 250 || reply.status === 550)
    return reply.status === 550
  } finally {
    await control.close()
  }
}

describe('child tor', { timeout: 300_000 }, () => {
  it('starts, reports its stages, publishes what was queued, and leaves nothing behind', async (t) => {
    const directory = await shortDirectory(t)
    const provider = createTorProvider(deps, childOptions(directory))
    const stages: string[] = []
    provider.onStatus((status: TorStatus) => {
      if (stages.at(-1) !== status.stage) stages.push(status.stage)
    })
    const key = onionKey()
    const queued = await provider.publishOnion({
      secretKey: key,
      virtualPort: 80,
      authorizedClients: [clientKey().publicKey],
      onStream: () => undefined,
      proofOfWork: true,
    })
    assert.equal(queued.address, addressOf(key))
    await provider.start()
    later(t, () => provider.stop())
    await running(provider)
    const status = provider.status()
    assert.equal(status.mode, 'child')
    assert.match(status.version ?? '', /^0\.\d+\.\d+\.\d+$/)
    assert.deepEqual(status.warnings, [])
    assert.ok(await hasOnion(directory, key))
    assert.equal((await stat(`${directory}/tor`)).mode & 0o777, 0o700)
    assert.equal((await stat(`${directory}/tor/data`)).mode & 0o777, 0o700)
    const torrc = await readFile(`${directory}/tor/torrc`, 'utf8')
    assert.ok(!/127\.0\.0\.1|localhost/.test(torrc), 'no TCP port is opened')
    const pid = provider.childPid() ?? 0
    assert.ok(isAlive(pid))
    await provider.stop()
    assert.ok(!isAlive(pid))
    assert.equal(provider.status().stage, 'stopped')
    assert.deepEqual(stages, ['searching', 'launching', 'bootstrapping', 'stopped'])
    await assert.rejects(queued.published(), (error) => isAppError(error, 'TOR_STOPPED'))
    await provider.stop()
  })

  it('comes back with everything after kill -9 of the tor', async (t) => {
    const directory = await shortDirectory(t)
    const provider = createTorProvider(deps, childOptions(directory))
    await provider.start()
    later(t, () => provider.stop())
    await running(provider)
    const key = onionKey()
    const service = await provider.publishOnion({
      secretKey: key,
      virtualPort: 80,
      authorizedClients: [],
      onStream: () => undefined,
    })
    const other = addressOf(onionKey())
    await provider.authorizeClient(other, clientKey().privateKey)
    for (let round = 0; round < 3; round += 1) {
      const pid = provider.childPid() ?? 0
      const lost = new Promise<TorStatus>((resolve) => {
        const off = provider.onStatus((status) => {
          if (status.stage !== 'lost') return
          off()
          resolve(status)
        })
      })
      process.kill(pid, 'SIGKILL')
      assert.equal((await lost).lastError, 'TOR_CHILD_EXITED')
      await until(() => provider.status().stage === 'bootstrapping' && provider.childPid() !== undefined)
      assert.notEqual(provider.childPid(), pid)
      assert.ok(await hasOnion(directory, key))
    }
    const control = await connectControl({ path: `${directory}/control` })
    await control.authenticate()
    const view = await control.request('ONION_CLIENT_AUTH_VIEW')
    assert.ok(JSON.stringify(view.lines).includes(other))
    await control.close()
    await service.close()
    assert.ok(!(await hasOnion(directory, key)))
  })

  it('ends with a daemon that is killed', async (t) => {
    const directory = await shortDirectory(t)
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    // The second wall is set to watch this process, so that only the owned connection can end tor.
    const extraLines = ['DisableNetwork 1', `__OwningControllerProcess ${process.pid}`]
    const script = `
      import { createTorProvider } from ${module('../../src/tor/index.ts')}
      import * as support from ${module('../unit/tor/support.ts')}
      const { systemClock: clock, systemRandom: random, silentLogger: logger, addressOf } = support
      const deps = { clock, random, logger, addressOf }
      const options = support.childOptions(${JSON.stringify(directory)})
      const child = { ...options.child, extraLines: ${JSON.stringify(extraLines)} }
      const provider = createTorProvider(deps, { ...options, child })
      provider.onStatus(() => provider.childPid() !== undefined && console.log(provider.childPid()))
      await provider.start()
      setInterval(() => undefined, 1_000)`
    const daemon = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    later(t, () => daemon.kill('SIGKILL'))
    const [output] = (await once(daemon.stdout, 'data')) as [Buffer]
    const pid = Number(output.toString().split('\n')[0])
    assert.ok(isAlive(pid))
    daemon.kill('SIGKILL')
    await until(() => !isAlive(pid))
  })

  it('halts a tor that an earlier daemon left behind', async (t) => {
    const directory = await shortDirectory(t)
    const first = createTorProvider(deps, childOptions(directory))
    await first.start()
    later(t, () => first.stop())
    await running(first)
    const orphan = first.childPid() ?? 0
    // A second daemon on the same directory stands for one that was restarted while the old tor still ran.
    const second = createTorProvider(deps, childOptions(directory, { retryMs: { first: 20_000, longest: 20_000 } }))
    await second.start()
    later(t, () => second.stop())
    await until(() => !isAlive(orphan))
    await Promise.all([first.stop(), running(second)])
  })

  it('says that the binary is missing, tries again, and finds it', async (t) => {
    const directory = await shortDirectory(t)
    const options = childOptions(directory)
    const binary = `${directory}/late-tor`
    const provider = createTorProvider(deps, { ...options, child: { ...options.child, binaries: [binary] } })
    await provider.start()
    later(t, () => provider.stop())
    await until(() => provider.status().stage === 'missing')
    assert.equal(provider.status().lastError, 'TOR_BINARY_MISSING')
    const signal = AbortSignal.timeout(10_000)
    await assert.rejects(provider.connect(addressOf(onionKey()), 80, { isolation: 'a', signal }), (error) =>
      isAppError(error, 'TOR_NOT_READY'),
    )
    await symlink('/usr/sbin/tor', binary)
    await running(provider)
  })

  it('reports a tor that refuses its configuration and stops promptly while retrying', async (t) => {
    const directory = await shortDirectory(t)
    const options = childOptions(directory)
    const provider = createTorProvider(deps, {
      ...options,
      child: { ...options.child, extraLines: ['NoSuchOption 1'] },
    })
    await provider.start()
    await until(() => provider.status().lastError === 'TOR_CHILD_FAILED')
    await provider.stop()
    assert.equal(provider.childPid(), undefined)
  })

  it('kills a tor that does not end when asked', async (t) => {
    const directory = await shortDirectory(t)
    const options = childOptions(directory)
    const provider = createTorProvider(deps, { ...options, child: { ...options.child, stopTimeoutMs: 200 } })
    await provider.start()
    await running(provider)
    const pid = provider.childPid() ?? 0
    process.kill(pid, 'SIGSTOP')
    await provider.stop()
    assert.ok(!isAlive(pid))
  })

  it('refuses a directory that is not ours to use and paths that are too long', async (t) => {
    const directory = await shortDirectory(t)
    await mkdir(`${directory}/elsewhere`)
    await symlink(`${directory}/elsewhere`, `${directory}/tor`)
    const provider = createTorProvider(deps, childOptions(directory))
    await provider.start()
    await until(() => provider.status().lastError === 'TOR_DIRECTORY_UNUSABLE')
    await provider.stop()
    assert.throws(
      () => createTorProvider(deps, childOptions(`/${'x'.repeat(100)}`)),
      (error) => isAppError(error, 'TOR_SOCKET_PATH_TOO_LONG') && error.details['maxBytes'] === 107,
    )
  })

  it('is served behind a filter with the documented profile', async (t) => {
    const directory = await shortDirectory(t)
    const owner = createTorProvider(deps, childOptions(directory))
    await owner.start()
    later(t, () => owner.stop())
    await running(owner)
    const filter = await startControlFilter(t, documentedProfile('noctule'), async () => ({
      path: `${directory}/control`,
      authenticate: `AUTHENTICATE ${(await readFile(`${directory}/tor/cookie`)).toString('hex')}`,
    }))
    const attached = createTorProvider(deps, {
      ...childOptions(`${directory}/attached`),
      mode: 'attach',
      candidates: [{ host: '127.0.0.1', port: filter.port }],
    })
    await attached.start()
    later(t, () => attached.stop())
    await running(attached)
    const key = onionKey()
    const service = await attached.publishOnion({
      secretKey: key,
      virtualPort: 80,
      authorizedClients: [clientKey().publicKey],
      onStream: () => undefined,
      proofOfWork: true,
    })
    const remove = await attached.authorizeClient(addressOf(onionKey()), clientKey().privateKey)
    assert.ok(await hasOnion(directory, key))
    assert.equal(attached.status().mode, 'attached')
    assert.deepEqual(attached.status().warnings, [])
    await remove()
    await service.close()
    assert.ok(!(await hasOnion(directory, key)))
    assert.deepEqual(
      filter.seen.filter((entry) => !entry.admitted),
      [],
    )
  })
})
