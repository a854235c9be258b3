/**
 * Taps for the clients of a capture: starts their process and ends it.
 * Never leaves it behind: it ends with its input, which this process holds.
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('./guard-tap-child.ts', import.meta.url))

export interface Taps {
  /** One for each file, in order. */
  readonly ports: readonly number[]
  /** Ends the taps; every read is in its file then. */
  stop(): Promise<void>
}

/** One tap for each file, which gets a line `ns direction bytes` for each read; directions are `u` and `d`. */
export async function startTaps(files: readonly string[]): Promise<Taps> {
  const child = spawn(process.execPath, [CHILD, ...files], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  const said = await Promise.race([once(lines, 'line'), ended])
  const ports: unknown = JSON.parse(String(said[0]))
  if (!Array.isArray(ports)) throw new Error('the taps did not start')
  return {
    ports: ports.map(Number),
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}
