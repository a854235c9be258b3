/**
 * Requests and responses over one stream, both ways at once.
 * Never holds more than a bounded number of them: a peer that sends garbage, asks without end or does not read is cut off.
 * Spec 01a-transport §8.3.
 * @module
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Clock, MeshRequest } from '../../ports/index.ts'
import { MESH_BODY_MAX_BYTES } from '../../wire/index.ts'
import { transportError } from '../errors.ts'
import { drained } from '../record-link.ts'
import { redactError } from '../redact-error.ts'
import {
  createMeshFrameReader,
  encodeMeshFrame,
  FRAME_REFUSAL,
  FRAME_REQUEST,
  FRAME_RESPONSE,
  type MeshFrame,
} from './mesh-frame.ts'
import { DEADLINE, type MeshLine, untilAborted } from './requester.ts'

export interface MeshChannelOptions {
  readonly stream: Stream
  readonly clock: Clock
  /** How long a peer may leave us waiting for room. */
  readonly timeoutMs: number
  readonly remoteKey: Uint8Array
  /** Never rejects. */
  readonly serve: (request: MeshRequest) => Promise<Uint8Array | undefined>
  /** Takes one of the places for this peer's requests; undefined when all are taken, else what gives it back. */
  readonly admit: () => (() => void) | undefined
  /** Called when something useful was sent or received. */
  readonly onUse: () => void
  /** Ends the whole connection. */
  readonly cutOff: () => void
}

export interface MeshChannel extends MeshLine {
  isOpen(): boolean
}

const ID_MAX = 0xffff_ffff

/** Takes over a stream. */
export function createMeshChannel(options: MeshChannelOptions): MeshChannel {
  const { stream, clock, cutOff } = options
  const reader = createMeshFrameReader()
  const pending = new Map<number, PromiseWithResolvers<Uint8Array | undefined>>()
  let nextId = 0
  let received = 0
  let stalled = 0

  const isOpen = (): boolean => stream.status === 'open' && nextId <= ID_MAX
  const end = (): void => {
    for (const { reject } of pending.values()) reject(transportError('MESH_UNREACHABLE'))
    pending.clear()
  }

  /** Resolves when there is room for more; a peer that makes none is cut off. */
  const write = async (frame: MeshFrame): Promise<void> => {
    if (stream.status !== 'open') throw transportError('MESH_UNREACHABLE')
    let hasRoom: boolean
    try {
      hasRoom = stream.send(encodeMeshFrame(frame))
    } catch (error: unknown) {
      throw transportError('MESH_UNREACHABLE', { cause: redactError(error) })
    }
    if (hasRoom) return
    const done = new AbortController()
    stalled += 1
    void clock.sleep(options.timeoutMs, done.signal).then(cutOff, () => undefined)
    // A drained socket is no room yet where the peer's window is full.
    do await drained(stream)
    while (stream.status === 'open' && stream.writableNeedsDrain)
    stalled -= 1
    done.abort()
    if (stream.status !== 'open') throw transportError('MESH_UNREACHABLE')
  }

  const answer = async ({ id, operation, body }: MeshFrame, release: () => void): Promise<void> => {
    try {
      const response = await options.serve({ hostKey: Uint8Array.from(options.remoteKey), operation, body })
      const isRefused = response === undefined || response.length > MESH_BODY_MAX_BYTES
      if (isRefused) await write({ kind: FRAME_REFUSAL, operation: 0, id, body: new Uint8Array() })
      else await write({ kind: FRAME_RESPONSE, operation: 0, id, body: response })
    } catch {
      // The stream has ended: nobody waits for the response any more.
    } finally {
      release()
    }
  }
  const onRequest = (frame: MeshFrame): void => {
    options.onUse()
    const release = options.admit()
    if (release !== undefined) return void answer(frame, release)
    // An honest peer never asks so much; one that does not even read the refusals would fill our memory with them.
    if (stalled > 0) return cutOff()
    const refusal: MeshFrame = { kind: FRAME_REFUSAL, operation: 0, id: frame.id, body: new Uint8Array() }
    write(refusal).catch(() => undefined)
  }
  const onFrame = (frame: MeshFrame): void => {
    if (frame.kind === FRAME_REQUEST) return onRequest(frame)
    // An answer to nothing. One that comes late, to a request that was given up, is no fault.
    if (frame.id >= nextId) return cutOff()
    options.onUse()
    pending.get(frame.id)?.resolve(frame.kind === FRAME_RESPONSE ? frame.body : undefined)
  }
  const onMessage = ({ data }: StreamMessageEvent): void => {
    received += data.byteLength
    const frames = reader.push(data.subarray())
    if (frames === undefined) return cutOff()
    for (const frame of frames) {
      if (stream.status === 'open') onFrame(frame)
    }
  }

  stream.addEventListener('close', end)
  // Half-closed streams are of no use: there would be no answers.
  stream.addEventListener('remoteCloseWrite', () => stream.abort(transportError('MESH_UNREACHABLE')))
  stream.addEventListener('message', onMessage)

  return {
    isOpen,
    async ask(operation, body, signal) {
      if (!isOpen()) throw transportError('MESH_UNREACHABLE')
      const id = nextId
      nextId += 1
      const outcome = Promise.withResolvers<Uint8Array | undefined>()
      outcome.promise.catch(() => undefined)
      pending.set(id, outcome)
      const receivedBefore = received
      options.onUse()
      try {
        await untilAborted(write({ kind: FRAME_REQUEST, operation, id, body }), signal)
        return await untilAborted(outcome.promise, signal)
      } catch (error: unknown) {
        // Not a byte for so long: the circuit may be dead, and nobody would ever tell us.
        if (signal.reason === DEADLINE && received === receivedBefore) cutOff()
        throw error
      } finally {
        pending.delete(id)
      }
    },
  }
}
