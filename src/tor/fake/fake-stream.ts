/**
 * A pair of byte streams in memory, with a delay by the injected clock.
 * Never reorders, drops or duplicates a byte; the far end sees an end or an error as a socket would show it.
 * @module
 */
import { Duplex } from 'node:stream'
import type { Clock } from '../../ports/index.ts'
import { torError } from '../errors.ts'

interface Parcel {
  readonly dueMs: number
  /** Null is the end of the stream. */
  readonly bytes: Buffer | null
  readonly delivered: () => void
}

/** Writes in flight beyond which a writer has to wait; guessed. */
const IN_FLIGHT_MAX_BYTES = 1_048_576

/** One end; made by {@link createFakeStreamPair} or, before the other end exists, by hand for an optimistic dial. */
export class FakeStream extends Duplex {
  readonly #clock: Clock
  readonly #latencyMs: number
  readonly #parcels: Parcel[] = []
  #inFlightBytes = 0
  #pumping = false
  #peer: FakeStream | undefined
  #wanted: (() => void) | undefined

  constructor(clock: Clock, latencyMs: number) {
    super({ allowHalfOpen: false })
    this.#clock = clock
    this.#latencyMs = latencyMs
  }

  /** Joins two ends; what was written before now leaves now. */
  join(peer: FakeStream): void {
    this.#peer = peer
    peer.#peer = this
    void this.#pump()
    void peer.#pump()
  }

  /** Breaks both ends as a lost circuit does. */
  breakOff(): void {
    const peer = this.#peer
    this.destroy(torError('TOR_STREAM_RESET'))
    peer?.destroy(torError('TOR_STREAM_RESET'))
  }

  override _read(): void {
    const wanted = this.#wanted
    this.#wanted = undefined
    wanted?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#inFlightBytes += chunk.length
    const wait = this.#inFlightBytes > IN_FLIGHT_MAX_BYTES
    this.#send(Buffer.from(chunk), () => {
      this.#inFlightBytes -= chunk.length
      if (wait) callback()
    })
    if (!wait) callback()
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#send(null, () => undefined)
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this._read()
    const peer = this.#peer
    // A writer that ended properly has its last bytes under way; only an early death breaks the other end.
    if (peer !== undefined && !this.writableFinished && !peer.destroyed) {
      this.#send(null, () => undefined)
    }
    callback(error)
  }

  #send(bytes: Buffer | null, delivered: () => void): void {
    this.#parcels.push({ dueMs: this.#clock.monotonicMs() + this.#latencyMs, bytes, delivered })
    void this.#pump()
  }

  async #pump(): Promise<void> {
    const peer = this.#peer
    if (this.#pumping || peer === undefined) return
    this.#pumping = true
    for (let parcel = this.#parcels.shift(); parcel !== undefined; parcel = this.#parcels.shift()) {
      const waitMs = parcel.dueMs - this.#clock.monotonicMs()
      if (waitMs > 0) await this.#clock.sleep(waitMs)
      if (!peer.destroyed && !peer.readableEnded && !peer.push(parcel.bytes) && parcel.bytes !== null) {
        await new Promise<void>((resolve) => {
          peer.#wanted = resolve
        })
      }
      parcel.delivered()
    }
    this.#pumping = false
  }
}

/** Two joined ends. */
export function createFakeStreamPair(clock: Clock, latencyMs: number): readonly [FakeStream, FakeStream] {
  const near = new FakeStream(clock, latencyMs)
  const far = new FakeStream(clock, latencyMs)
  near.join(far)
  return [near, far]
}
