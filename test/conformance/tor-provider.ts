/**
 * What every implementation of the Tor port must do; run over the fake and over a real tor.
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { isAppError } from '../../src/base/index.ts'
import type { OnionAddress, OnionSecretKey, OnionService, TorProvider } from '../../src/ports/index.ts'
import { dialAgain } from '../support/dial-again.ts'

export interface TorProviderSetup {
  /** Started, not yet awaited. Alice dials, Bob publishes. */
  readonly alice: TorProvider
  readonly bob: TorProvider
  newOnionKey(): OnionSecretKey
  addressOf(secretKey: OnionSecretKey): OnionAddress
  newClientKey(): { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array }
  /** Makes Bob's tor die and come back; resolves when it is away. */
  restartBob(): Promise<void>
  tearDown(): Promise<void>
}

const VIRTUAL_PORT = 9878

const fails =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    codes.some((code) => isAppError(error, code)) || assert.fail(`not ${codes.join(' or ')}: ${String(error)}`)

/** Reads exactly `length` bytes. */
async function readExactly(stream: Duplex, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let held = 0
  const closed = closeOf(stream)
  while (held < length) {
    const chunk = stream.read(Math.min(length - held, stream.readableLength || 1)) as Buffer | null
    if (chunk !== null) {
      parts.push(chunk)
      held += chunk.length
      continue
    }
    if (stream.readableEnded || stream.destroyed) throw stream.errored ?? new Error(`ended after ${held} bytes`)
    await Promise.race([once(stream, 'readable'), closed])
  }
  return Buffer.concat(parts)
}

/** Resolves when the stream is closed, with an error or without. */
function closeOf(stream: Duplex): Promise<void> {
  if (stream.closed) return Promise.resolve()
  return new Promise((resolve) => stream.once('close', () => resolve()))
}

function echo(stream: Duplex): void {
  stream.on('error', () => undefined)
  stream.pipe(stream)
}

/**
 * Registers the suite. `timeoutMs` bounds each test, and each wait within one. Over Tor it is long: when the far end of a
 * stream hears that it is over is up to the relays (spec 07-tor §7.3), and dials may fail meanwhile.
 */
export function describeTorProvider(name: string, setUp: () => Promise<TorProviderSetup>, timeoutMs: number): void {
  describe(`tor-provider: ${name}`, { timeout: 10 * timeoutMs }, () => {
    let setup: TorProviderSetup
    let isolation = 0

    const publish = async (
      secretKey: OnionSecretKey,
      onStream: (stream: Duplex) => void,
      authorizedClients: readonly Uint8Array[] = [],
    ): Promise<OnionService> => {
      const service = await setup.bob.publishOnion({
        secretKey,
        virtualPort: VIRTUAL_PORT,
        authorizedClients,
        onStream,
      })
      await service.published(AbortSignal.timeout(timeoutMs))
      return service
    }
    const dialOnce = (address: OnionAddress, optimistic: boolean, port = VIRTUAL_PORT): Promise<Duplex> =>
      setup.alice.connect(address, port, {
        isolation: `test-${(isolation += 1)}`,
        signal: AbortSignal.timeout(timeoutMs),
        optimistic,
      })
    const dial = (address: OnionAddress, port = VIRTUAL_PORT): Promise<Duplex> =>
      dialAgain(() => dialOnce(address, false, port))
    /** Dials until it works, as every caller does after a restart. */
    const dialUntilOpen = async (address: OnionAddress): Promise<Duplex> => {
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await dialOnce(address, false)
        } catch (error: unknown) {
          if (!isAppError(error) || error.kind === 'bug' || attempt > 50) throw error
        }
      }
    }

    before(async () => {
      setup = await setUp()
      await Promise.all([setup.alice, setup.bob].map((tor) => tor.whenReady(AbortSignal.timeout(timeoutMs))))
    })
    after(() => setup?.tearDown())

    it('is ready and says so', { timeout: timeoutMs }, async () => {
      const status = setup.bob.status()
      assert.equal(status.stage, 'ready')
      assert.equal(status.bootstrapPercent, 100)
      assert.notEqual(status.mode, 'none')
      assert.match(status.version ?? '', /^\d+\.\d+\.\d+/)
      assert.equal(status.lastError, undefined)
      await assert.rejects(setup.bob.whenReady(AbortSignal.abort()), { name: 'AbortError' })
    })

    it('carries bytes both ways, and the end of the stream', { timeout: timeoutMs }, async () => {
      const key = setup.newOnionKey()
      const inbound: Duplex[] = []
      const service = await publish(key, (stream) => {
        inbound.push(stream)
        echo(stream)
      })
      assert.equal(service.address, setup.addressOf(key))
      const stream = await dial(service.address)
      stream.write('first')
      assert.equal((await readExactly(stream, 5)).toString(), 'first')
      const block = Buffer.alloc(300_000, 'noctule')
      const received = readExactly(stream, block.length)
      stream.write(block)
      assert.ok((await received).equals(block))
      assert.equal(inbound.length, 1)
      const far = inbound[0] as Duplex
      const farClosed = closeOf(far)
      stream.destroy()
      await farClosed
      await service.close()
    })

    it('hands an optimistic stream over at once', { timeout: timeoutMs }, async () => {
      const service = await publish(setup.newOnionKey(), echo)
      await dialAgain(async () => {
        const stream = await dialOnce(service.address, true)
        stream.write('early')
        assert.equal((await readExactly(stream, 5)).toString(), 'early')
        stream.destroy()
      })
      await service.close()
    })

    it('fails an optimistic stream with the reason', { timeout: timeoutMs }, async () => {
      const failing = dialAgain(async () => {
        const stream = await dialOnce(setup.addressOf(setup.newOnionKey()), true)
        stream.write('early')
        const [error] = (await once(stream, 'error')) as unknown[]
        assert.ok(stream.destroyed)
        throw error
      })
      await assert.rejects(failing, fails('TOR_ONION_NOT_FOUND'))
    })

    it('names an address without a descriptor, and a port that nobody serves', { timeout: timeoutMs }, async () => {
      await assert.rejects(dial(setup.addressOf(setup.newOnionKey())), fails('TOR_ONION_NOT_FOUND'))
      const service = await publish(setup.newOnionKey(), echo)
      await assert.rejects(dial(service.address, VIRTUAL_PORT + 1), fails('TOR_ONION_REFUSED'))
      await service.close()
    })

    it('admits authorised clients only', { timeout: timeoutMs }, async () => {
      const client = setup.newClientKey()
      const service = await publish(setup.newOnionKey(), echo, [setup.newClientKey().publicKey, client.publicKey])
      await assert.rejects(dial(service.address), fails('TOR_ONION_AUTH_MISSING'))
      const removeWrong = await setup.alice.authorizeClient(service.address, setup.newClientKey().privateKey)
      await assert.rejects(dial(service.address), fails('TOR_ONION_AUTH_WRONG'))
      const remove = await setup.alice.authorizeClient(service.address, client.privateKey)
      // The older key is replaced: taking it away changes nothing.
      await removeWrong()
      const stream = await dial(service.address)
      stream.write('hello')
      assert.equal((await readExactly(stream, 5)).toString(), 'hello')
      stream.destroy()
      await remove()
      await remove()
      await service.close()
    })

    it('stops a dial that is aborted', { timeout: timeoutMs }, async () => {
      const abort = new AbortController()
      const address = setup.addressOf(setup.newOnionKey())
      const pending = setup.alice.connect(address, VIRTUAL_PORT, { isolation: 'aborted', signal: abort.signal })
      abort.abort()
      await assert.rejects(pending, { name: 'AbortError' })
      const never = { isolation: 'aborted', signal: AbortSignal.abort() }
      await assert.rejects(setup.alice.connect(address, VIRTUAL_PORT, never), { name: 'AbortError' })
    })

    it('takes a service down with its streams', { timeout: timeoutMs }, async () => {
      const secretKey = setup.newOnionKey()
      const inbound: Duplex[] = []
      const service = await publish(secretKey, (stream) => {
        inbound.push(stream)
        echo(stream)
      })
      const options = { secretKey, virtualPort: VIRTUAL_PORT, authorizedClients: [], onStream: echo }
      await assert.rejects(setup.bob.publishOnion(options), RangeError)
      const stream = await dial(service.address)
      stream.on('error', () => undefined)
      stream.resume()
      const closed = closeOf(stream)
      await service.close()
      await service.close()
      assert.ok(inbound.length === 1 && inbound[0]?.destroyed)
      await assert.rejects(service.published(), fails('TOR_ONION_CLOSED'))
      const again = await publish(secretKey, echo)
      assert.equal(again.address, service.address)
      await again.close()
      await closed
    })

    it('publishes everything again after its tor died', { timeout: timeoutMs }, async () => {
      const inbound: Duplex[] = []
      const service = await publish(setup.newOnionKey(), (stream) => {
        inbound.push(stream)
        echo(stream)
      })
      const before = await dial(service.address)
      before.on('error', () => undefined)
      before.resume()
      const broken = closeOf(before)
      const stages: string[] = []
      const off = setup.bob.onStatus((status) => stages.push(status.stage))
      const ended = Promise.all(inbound.map(closeOf))
      assert.equal(inbound.length, 1)
      await setup.restartBob()
      await ended
      await setup.bob.whenReady(AbortSignal.timeout(timeoutMs))
      off()
      assert.equal(stages[0], 'lost')
      assert.equal(stages.at(-1), 'ready')
      await service.published(AbortSignal.timeout(timeoutMs))
      const stream = await dialUntilOpen(service.address)
      stream.write('again')
      assert.equal((await readExactly(stream, 5)).toString(), 'again')
      stream.destroy()
      await service.close()
      await broken
    })

    it('ends everything when stopped', { timeout: timeoutMs }, async () => {
      const service = await publish(setup.newOnionKey(), echo)
      const stream = await dial(service.address)
      stream.on('error', () => undefined)
      const closed = closeOf(stream)
      await setup.alice.stop()
      await closed
      const { signal } = new AbortController()
      await assert.rejects(setup.alice.whenReady(signal), fails('TOR_STOPPED'))
      await assert.rejects(dial(service.address), fails('TOR_STOPPED'))
      assert.equal(setup.alice.status().stage, 'stopped')
      const waiting = setup.bob.publishOnion({
        secretKey: setup.newOnionKey(),
        virtualPort: VIRTUAL_PORT,
        authorizedClients: [],
        onStream: echo,
      })
      await setup.bob.stop()
      await setup.bob.stop()
      await waiting.then((late) => assert.rejects(late.published(), fails('TOR_STOPPED')))
      await assert.rejects(service.published(), fails('TOR_STOPPED', 'TOR_ONION_CLOSED'))
    })
  })
}
