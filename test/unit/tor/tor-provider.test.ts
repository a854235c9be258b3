/** The provider over a scripted control port and a scripted SOCKS port: what tor is told, in which order, and how long it is waited for. @module */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { OnionService } from '../../../src/ports/index.ts'
import { createTorProvider, type RealTorProvider } from '../../../src/tor/index.ts'
import { GRANTED, scriptedSocks } from './socks/scripted-socks.ts'
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

const never = new AbortController().signal
const key = onionKey()

interface Bench {
  readonly provider: RealTorProvider
  readonly tor: ScriptedControl
  /** Commands with this verb, in order. */
  sent(verb: string): string[]
}

/** A tor that is ready; `answer` may take a line over, with null for silence. */
async function attached(
  t: TestContext,
  answer: (line: string) => string | null | undefined = () => undefined,
  socks = '/nowhere',
): Promise<Bench> {
  const tor = await scriptedControl(t, (line) => {
    const own = answer(line)
    if (own !== undefined) return own ?? undefined
    if (line.startsWith('PROTOCOLINFO')) return '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250 OK\r\n'
    if (line.startsWith('ADD_ONION')) return `250-ServiceID=${addressOf(key)}\r\n250 OK\r\n`
    if (line.startsWith('GETINFO status')) {
      return '250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=100 TAG=done\r\n250 OK\r\n'
    }
    return '250 OK\r\n'
  })
  const provider = createTorProvider(
    { clock: systemClock, random: systemRandom, logger: silentLogger, addressOf },
    {
      ...childOptions(await shortDirectory(t)),
      mode: 'attach',
      control: { path: tor.path },
      socks: { path: socks },
    },
  )
  later(t, () => provider.stop())
  await provider.start()
  await provider.whenReady(AbortSignal.timeout(5_000))
  return { provider, tor, sent: (verb) => tor.received.filter((line) => line.startsWith(`${verb} `)) }
}

const publish = ({ provider }: Bench): Promise<OnionService> =>
  provider.publishOnion({ secretKey: key, virtualPort: 80, authorizedClients: [], onStream: () => undefined })

describe('tor provider', { timeout: 20_000 }, () => {
  it('publishes a service again while it is still being taken down', async (t) => {
    const bench = await attached(t)
    const first = await publish(bench)
    const closing = first.close()
    const second = await publish(bench)
    await closing
    await first.close()
    await assert.rejects(publish(bench), RangeError)
    await second.close()
    const verbs = bench.tor.received.map((line) => line.split(' ')[0] ?? '').filter((verb) => verb.endsWith('_ONION'))
    assert.deepEqual(verbs, ['ADD_ONION', 'DEL_ONION', 'ADD_ONION', 'DEL_ONION'])
  })

  it('does not wait long for a tor that no longer answers', async (t) => {
    const bench = await attached(t, (line) => (line.startsWith('DEL_') || line.includes('_REMOVE') ? null : undefined))
    const service = await publish(bench)
    const withdraw = await bench.provider.authorizeClient(addressOf(onionKey()), clientKey().privateKey)
    // The bound of the suite is below the 30 s after which the connection would be given up.
    await service.close()
    await withdraw()
    await bench.provider.stop()
    assert.equal(bench.sent('DEL_ONION').length, 1)
  })

  it('takes a key back over the next connection when it was withdrawn without one', async (t) => {
    const bench = await attached(t)
    const [kept, dropped] = [addressOf(onionKey()), addressOf(onionKey())]
    await bench.provider.authorizeClient(kept, clientKey().privateKey)
    const withdraw = await bench.provider.authorizeClient(dropped, clientKey().privateKey)
    bench.tor.drop()
    await until(() => bench.provider.status().stage === 'lost')
    await withdraw()
    await bench.provider.whenReady(AbortSignal.timeout(5_000))
    await until(() => bench.sent('ONION_CLIENT_AUTH_ADD').length === 3)
    assert.deepEqual(bench.sent('ONION_CLIENT_AUTH_REMOVE'), [`ONION_CLIENT_AUTH_REMOVE ${dropped}`])
  })

  it('never tells tor an isolation token, and keeps different ones apart', async (t) => {
    const socks = await scriptedSocks(t, { reply: GRANTED })
    const seen: string[][] = []
    for (let start = 0; start < 2; start += 1) {
      const { provider } = await attached(t, undefined, socks.path)
      for (const isolation of ['lane:one', 'lane:two', 'lane:one']) {
        const stream = await provider.connect(addressOf(key), 80, { isolation, signal: never })
        stream.destroy()
      }
      seen.push(socks.users.splice(0))
      await assert.rejects(provider.connect(addressOf(key), 80, { isolation: '', signal: never }), RangeError)
    }
    const [[one, two, again] = [], [later1] = []] = seen
    assert.match(one ?? '', /^[0-9a-f]{64}$/)
    assert.equal(again, one)
    assert.notEqual(two, one)
    assert.notEqual(later1, one)
  })

  it('leaves the circuits on which a dial was not answered, for that service and token only', async (t) => {
    const script: { reply?: Uint8Array } = { reply: GRANTED }
    const socks = await scriptedSocks(t, script)
    const { provider } = await attached(t, undefined, socks.path)
    const other = addressOf(onionKey())
    const nameOf = async (address = addressOf(key), isolation = 'mesh'): Promise<string> => {
      const abort = new AbortController()
      const dialing = provider.connect(address, 80, { isolation, signal: abort.signal })
      const count = socks.requests.length
      if (script.reply === undefined) {
        await until(() => socks.requests.length > count)
        abort.abort()
      }
      await dialing.then((stream) => stream.destroy()).catch(() => undefined)
      return socks.users.splice(0)[0] ?? assert.fail('no dial')
    }
    const first = await nameOf()
    assert.equal(await nameOf(), first, 'control: an answered dial keeps its circuits')
    assert.equal(await nameOf(other), first)
    delete script.reply
    const lane = await nameOf(other, 'lane')
    assert.equal(await nameOf(), first)
    const second = await nameOf()
    script.reply = GRANTED
    const third = await nameOf()
    assert.equal(new Set([first, second, third, lane]).size, 4)
    assert.equal(await nameOf(), third)
    assert.equal(await nameOf(other), first)
    for (const name of [second, third]) assert.match(name, /^[0-9a-f]{64}$/)
  })
})
