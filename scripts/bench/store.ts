/**
 * How fast the store is, with every batch synced to disk.
 * Never on a memory file system if the temporary directory is on a disk.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSystemClock, createSystemLogger } from '../../src/daemon/index.ts'
import { openStore } from '../../src/store/index.ts'
import { ENVELOPE_BYTES } from '../../src/wire/index.ts'
import type { Figure } from './figures.ts'

const BATCHES = 1_000

export async function benchStore(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-bench-'))
  try {
    const store = await openStore({
      directory: join(directory, 'store'),
      secret: { type: 'key-file', path: join(directory, 'key') },
      create: 'if-missing',
      clock: createSystemClock(),
      logger: createSystemLogger('error', () => undefined),
    })
    const value = new Uint8Array(200).fill(1)
    const startMs = performance.now()
    // What one `send` writes: message, envelope, session, outbox, contact, event and bounds.
    for (let index = 0; index < BATCHES; index += 1) {
      await store.batch([
        { type: 'put', table: 'message', key: `c/${index}`, value },
        { type: 'put', table: 'envelope', key: `c/${index}`, value: new Uint8Array(ENVELOPE_BYTES) },
        { type: 'put', table: 'session', key: 'c', value: new Uint8Array(900), erasable: true },
        { type: 'put', table: 'outbox', key: 'c', value },
        { type: 'put', table: 'contact', key: 'c', value },
        { type: 'put', table: 'event', key: String(index), value },
        { type: 'put', table: 'event-bounds', key: 'self', value },
      ])
    }
    const perSecond = (BATCHES * 1000) / (performance.now() - startMs)
    await store.close()
    return [
      {
        name: 'store: synced batches of seven values',
        value: perSecond,
        unit: '/s',
        how: `${BATCHES} in a row, as one send writes`,
      },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
