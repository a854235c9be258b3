/**
 * Turns each use-case step into one atomic batch, then into memory, then into events, in that order.
 * Never lets anybody see a state that is not on disk. HOUSE §4.2 rule 7, DESIGN §10.
 * @module
 */
import { createMutex } from '../base/index.ts'
import type { Clock, KeyValueStore, StoreOperation } from '../ports/index.ts'
import type { MessengerEvent, MessengerEventBody } from './api.ts'
import type { EventLog } from './event-log.ts'

/** What one step wants to change. All of it happens or nothing. */
export interface Step {
  put(table: string, key: string, value: Uint8Array, options?: { readonly erasable: boolean }): void
  delete(table: string, key: string): void
  /** Written with the step; broadcast after it is on disk. */
  event(body: MessengerEventBody): void
  /** Applied to memory once the batch is on disk. Must not throw. */
  after(apply: () => void): void
}

export interface Journal {
  /**
   * Runs `body` alone, commits what it asked for, applies it to memory and broadcasts its events.
   * When `body` or the batch fails, nothing has changed.
   */
  transact<T>(body: (step: Step) => Promise<T> | T): Promise<T>
  /** Runs `body` alone without changing anything, so that it sees no half-applied step. */
  inspect<T>(body: () => Promise<T> | T): Promise<T>
  idle(): Promise<void>
}

export interface JournalDeps {
  readonly store: KeyValueStore
  readonly clock: Clock
  readonly events: EventLog
  readonly broadcast: (event: MessengerEvent) => void
}

export function createJournal(deps: JournalDeps): Journal {
  const mutex = createMutex()
  return {
    transact: (body) =>
      mutex.run(async () => {
        const operations: StoreOperation[] = []
        const bodies: MessengerEventBody[] = []
        const applications: (() => void)[] = []
        const result = await body({
          put: (table, key, value, options) => {
            operations.push({ type: 'put', table, key, value, erasable: options?.erasable ?? false })
          },
          delete: (table, key) => {
            operations.push({ type: 'delete', table, key })
          },
          event: (event) => {
            bodies.push(event)
          },
          after: (apply) => {
            applications.push(apply)
          },
        })
        const appended = deps.events.append(bodies, deps.clock.nowMs())
        operations.push(...appended.operations)
        if (operations.length > 0) await deps.store.batch(operations)
        for (const apply of applications) apply()
        appended.commit()
        for (const event of appended.events) deps.broadcast(event)
        return result
      }),
    inspect: (body) => mutex.run(async () => body()),
    idle: () => mutex.idle(),
  }
}
