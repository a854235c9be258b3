/**
 * A tor whose onions are as far away as one likes: each chunk on a stream that was dialled takes a drawn time more, both ways.
 * Never lets one chunk overtake another, as no Tor stream does. Real tor on one machine takes milliseconds.
 * @module
 */
import { Duplex } from 'node:stream'
import type { TorProvider } from '../../src/ports/index.ts'

export function delayTor(tor: TorProvider, oneWayMs: () => number): TorProvider {
  return {
    ...tor,
    async connect(address, port, options) {
      return delayStream(await tor.connect(address, port, options), oneWayMs)
    },
  }
}

/**
 * What is given is carried in the order of its coming, each when its time is over. One timer for all: those of their own, whose
 * times are cut to milliseconds, would let one overtake another now and then, and the connection would break.
 */
function createWay(oneWayMs: () => number): (carry: () => void) => void {
  const waiting: { readonly atMs: number; readonly carry: () => void }[] = []
  let lastMs = 0
  const wait = (): void => void setTimeout(carryDue, Math.max(1, (waiting[0]?.atMs ?? 0) - performance.now()))
  const carryDue = (): void => {
    const nowMs = performance.now() + 1
    for (let next = waiting[0]; next !== undefined && next.atMs <= nowMs; next = waiting[0]) {
      waiting.shift()
      next.carry()
    }
    if (waiting.length > 0) wait()
  }
  return (carry) => {
    lastMs = Math.max(lastMs, performance.now() + oneWayMs())
    waiting.push({ atMs: lastMs, carry })
    if (waiting.length === 1) wait()
  }
}

function delayStream(inner: Duplex, oneWayMs: () => number): Duplex {
  const up = createWay(oneWayMs)
  const down = createWay(oneWayMs)
  const outer = new Duplex({
    write(chunk: Uint8Array, _encoding, done) {
      up(() => void inner.write(chunk))
      done()
    },
    final(done) {
      up(() => void inner.end())
      done()
    },
    // The bench's traffic is a record now and then: nothing needs to be held back.
    read: () => undefined,
    destroy(error, done) {
      inner.destroy()
      done(error)
    },
  })
  inner.on('data', (chunk: Uint8Array) => down(() => outer.destroyed || outer.push(chunk)))
  inner.on('end', () => down(() => outer.destroyed || outer.push(null)))
  inner.on('error', (error) => down(() => outer.destroy(error)))
  inner.on('close', () => down(() => outer.destroy()))
  return outer
}
