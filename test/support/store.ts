/**
 * Builders for tests of the store.
 * Never used with a real profile: the key derivation is weak on purpose.
 * @module
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sensitive } from '../../src/base/index.ts'
import type { Clock, KeyValueStore, Logger } from '../../src/ports/index.ts'
import type { OpenStoreOptions } from '../../src/store/index.ts'

export const WEAK_KDF = { memoryKiB: 8, passes: 1, parallelism: 1 } as const

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function passphrase(text: string): OpenStoreOptions['secret'] {
  return { type: 'passphrase', passphrase: new Sensitive(bytes(text)) }
}

/** A directory of its own, 0700, gone when the test has ended, whatever its outcome. */
export function temporaryDirectory(context: { after(fn: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-store-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export interface ManualClock extends Clock {
  /** Moves time on and lets whoever sleeps until then go on. */
  advance(ms: number): void
}

export function createManualClock(): ManualClock {
  let now = 0
  const sleepers = new Set<{ readonly due: number; readonly wake: () => void }>()
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { due: now + delayMs, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
    advance(ms) {
      now += ms
      for (const sleeper of [...sleepers]) {
        if (sleeper.due > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

/** Keeps the names of what was logged. */
export function createListLogger(events: string[] = []): Logger {
  const note = (event: string): void => {
    events.push(event)
  }
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger }
  return logger
}

export function storeOptions(directory: string, changes: Partial<OpenStoreOptions> = {}): OpenStoreOptions {
  return {
    directory,
    secret: passphrase('correct horse'),
    create: 'if-missing',
    kdf: WEAK_KDF,
    unsafeWeakKdf: true,
    clock: createManualClock(),
    logger: createListLogger(),
    ...changes,
  }
}

/** Relative path to hash for every file, so that "nothing was changed" can be asserted. */
export async function hashFiles(directory: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    hashes[path.slice(directory.length)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return hashes
}

/** Opens, uses and closes, also when `use` fails. */
export async function withStore<T>(
  opening: Promise<KeyValueStore>,
  use: (store: KeyValueStore) => Promise<T>,
): Promise<T> {
  const store = await opening
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}
