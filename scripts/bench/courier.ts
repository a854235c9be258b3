/**
 * What a courier adds to an onion: a record up and the record down that answers it, less the constant time between them.
 * Never a courier made for the measurement: the shipped daemon with `--host`, asked by the shipped client's own functions.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEd25519Seed } from '../../src/crypto/index.ts'
import { createSystemClock, createSystemRandom } from '../../src/daemon/index.ts'
import { dialCourier } from '../../src/mailbox/client/courier-link.ts'
import { parseHostUri, testParameters } from '../../src/mailbox/index.ts'
import { profileOf } from '../../src/padding/index.ts'
import type { RecordLink, TorProvider } from '../../src/ports/index.ts'
import { createRecordNetwork } from '../../src/transport/index.ts'
import { decodeCourierAnswer, encodeCourierRequest, HOST_ID_BYTES } from '../../src/wire/index.ts'
import { startDaemon, waitFor } from '../../test/support/daemon-process.ts'
import { silentLogger } from '../../test/support/silent-logger.ts'
import type { Tornet } from '../../test/support/tornet/index.ts'
import { type Figure, quantile } from './figures.ts'

const LIMIT_MS = 120_000
const SPEED = 20
const RECORDS = 150

async function exchange(link: RecordLink, record: Uint8Array): Promise<number> {
  const startMs = performance.now()
  await link.send(record)
  const answer = await link.receive()
  if (answer === undefined || decodeCourierAnswer(answer) === undefined)
    throw new Error('the courier ended the session')
  return performance.now() - startMs
}

/** `attach` gives the provider through which the client dials. */
export async function benchCourier(
  tornet: Tornet,
  rawRttMs: number,
  attach: (socketDirectory: string) => Promise<TorProvider>,
): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-bench-'))
  const parameters = testParameters(SPEED)
  const client = await tornet.addClient()
  const host = await startDaemon({
    directory: join(directory, 'h'),
    tor: { mode: 'attach', control: client.controlPath, socks: client.socksPath, onionTarget: 'unix' },
    config: { host: { enabled: true } },
    unsafe: { mailboxSpeed: SPEED },
  })
  const torProvider = await attach(join(directory, 'c'))
  const network = createRecordNetwork({ torProvider, logger: silentLogger })
  try {
    const stats = await waitFor('the host', LIMIT_MS, async () => {
      const found = await host.rpc.call('hostStats', {})
      return found.published ? found : undefined
    })
    const parsed = parseHostUri(stats.host)
    if (!parsed.ok) throw new Error('the host names itself badly')
    const clock = createSystemClock()
    const { link, hello } = await dialCourier(
      { clock, random: createSystemRandom(), logger: silentLogger, network, parameters },
      {
        courier: parsed.entry,
        localSeed: createEd25519Seed(),
        isolation: 'bench',
        profile: 'fast',
        cursor: new Uint8Array(HOST_ID_BYTES),
      },
      AbortSignal.timeout(LIMIT_MS),
      () => undefined,
    )
    await exchange(link, encodeCourierRequest(hello))
    const ask = encodeCourierRequest({ kind: 'table', cursor: new Uint8Array(HOST_ID_BYTES) })
    const { courierHoldMs } = profileOf('fast', SPEED)
    const times: number[] = []
    for (let index = 0; index < RECORDS; index += 1) {
      times.push((await exchange(link, ask)) - courierHoldMs)
      await clock.sleep(parameters.courierRecordIntervalMs)
    }
    const p50 = quantile(times, 0.5)
    const how = `${RECORDS} records, less the constant hold of ${courierHoldMs} ms`
    return [
      { name: 'courier: record up to record down, p50', value: p50, unit: 'ms', how },
      { name: 'courier: the same, p95', value: quantile(times, 0.95), unit: 'ms', how },
      { name: 'courier: p50 over a raw onion round trip', value: p50 / rawRttMs, unit: 'times', how: 'one stream' },
    ]
  } finally {
    await network.stop()
    await torProvider.stop()
    await host.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
