import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../../../src/ports/index.ts'
import { createFakeStreamPair, createFakeTorNetwork, createFakeTorProvider } from '../../../../src/tor/index.ts'
import { describeTorProvider } from '../../../conformance/tor-provider.ts'
import { addressOf, clientKey, clientPublicKey, onionKey } from '../support.ts'

/** Time that jumps to whatever is slept for next, as soon as nothing else is to be done. */
function createJumpingClock(): Clock & { readonly slept: () => number } {
  let nowMs = 0
  let slept = 0
  const due: { readonly atMs: number; readonly wake: () => void }[] = []
  const jump = (): void => {
    const next = due.sort((a, b) => a.atMs - b.atMs).shift()
    if (next === undefined) return
    nowMs = Math.max(nowMs, next.atMs)
    next.wake()
  }
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    slept: () => slept,
    sleep(delayMs, signal) {
      slept += 1
      if (signal?.aborted === true) return Promise.reject(signal.reason)
      return new Promise((resolve, reject) => {
        const entry = { atMs: nowMs + delayMs, wake: resolve }
        due.push(entry)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
        setImmediate(jump)
      })
    },
  }
}

for (const latencyMs of [0, 50]) {
  describeTorProvider(
    `fake, ${latencyMs} ms`,
    async () => {
      const network = createFakeTorNetwork({
        clock: createJumpingClock(),
        latencyMs,
        publishMs: 10 * latencyMs,
        bootstrapMs: latencyMs,
      })
      const deps = { network, addressOf, clientPublicKeyOf: clientPublicKey }
      const alice = createFakeTorProvider(deps)
      const bob = createFakeTorProvider(deps)
      await Promise.all([alice.start(), bob.start()])
      return {
        alice,
        bob,
        newOnionKey: () => onionKey(),
        addressOf,
        newClientKey: () => clientKey(),
        async restartBob() {
          bob.crash()
          bob.recover()
        },
        async tearDown() {
          await Promise.all([alice.stop(), bob.stop()])
        },
      }
    },
    10_000,
  )
}

describe('fake tor', () => {
  it('dials nothing while it is away, and a service whose tor is away is known but not reached', async () => {
    const network = createFakeTorNetwork({ clock: createJumpingClock() })
    const deps = { network, addressOf, clientPublicKeyOf: clientPublicKey }
    const alice = createFakeTorProvider(deps)
    const bob = createFakeTorProvider(deps)
    const signal = new AbortController().signal
    const service = await bob.publishOnion({
      secretKey: onionKey(),
      virtualPort: 1,
      authorizedClients: [],
      onStream: () => undefined,
    })
    const dial = (): Promise<unknown> => alice.connect(service.address, 1, { isolation: 'x', signal })
    await assert.rejects(dial(), { code: 'TOR_NOT_READY' })
    await Promise.all([alice.start(), bob.start(), alice.whenReady(signal), bob.whenReady(signal)])
    await service.published()
    bob.crash()
    await assert.rejects(dial(), { code: 'TOR_ONION_INTRO_FAILED' })
    assert.deepEqual(
      network.dials.map((entry) => entry.isolation),
      ['x'],
    )
    await Promise.all([alice.stop(), bob.stop()])
  })

  it('delivers with the latency of the network and in order, also to a slow reader', async () => {
    const clock = createJumpingClock()
    const [near, far] = createFakeStreamPair(clock, 70)
    const sent = Buffer.alloc(3_000_000)
    for (let at = 0; at < sent.length; at += 1) sent[at] = at % 251
    let ended = false
    near.on('close', () => {
      ended = true
    })
    for (let at = 0; at < sent.length; at += 10_000) near.write(sent.subarray(at, at + 10_000))
    near.end()
    const parts: Buffer[] = []
    for await (const chunk of far) {
      if (parts.length === 0) assert.equal(clock.monotonicMs(), 70)
      parts.push(chunk as Buffer)
    }
    assert.ok(Buffer.concat(parts).equals(sent))
    near.resume()
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(ended)
  })
})
