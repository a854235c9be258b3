/**
 * Taps in a process of their own, so that what the rest of a run does is not seen in their times. Arguments: a file for each
 * tap, which gets a line `ns direction bytes` for each read; directions are `u` and `d`. Says the ports, ends with its input.
 * Never writes anything down but times, directions and sizes.
 * @module
 */
import { createWriteStream } from 'node:fs'
import { startGuardTap } from './guard-tap.ts'

const ends: (() => Promise<void>)[] = []
const ports: number[] = []
for (const file of process.argv.slice(2)) {
  const stream = createWriteStream(file, { mode: 0o600 })
  const tap = await startGuardTap(({ atNs, bytes, direction }) => {
    stream.write(`${atNs} ${direction === 'up' ? 'u' : 'd'} ${bytes}\n`)
  })
  ports.push(tap.port)
  ends.push(async () => {
    await tap.close()
    await new Promise<void>((resolve) => stream.end(() => resolve()))
  })
}
process.stdin.once('end', () => void Promise.all(ends.map((end) => end())))
process.stdin.resume()
process.stdout.write(`${JSON.stringify(ports)}\n`)
