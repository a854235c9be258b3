/**
 * Frames on a stream of the mesh.
 * Never holds more than one frame, and ends at the first byte that cannot be one. Spec 01a-transport §8.3.
 * @module
 */
import { concatBytes } from '../../base/index.ts'
import { MESH_BODY_MAX_BYTES } from '../../wire/index.ts'

export const FRAME_REQUEST = 1
export const FRAME_RESPONSE = 2
export const FRAME_REFUSAL = 3

export interface MeshFrame {
  readonly kind: typeof FRAME_REQUEST | typeof FRAME_RESPONSE | typeof FRAME_REFUSAL
  /** Of a request; else 0. */
  readonly operation: number
  /** Counts the requests of one direction of one stream; a response has that of its request. */
  readonly id: number
  /** At most `MESH_BODY_MAX_BYTES`; empty in a refusal. */
  readonly body: Uint8Array
}

/** kind u8, operation u8, id u32, length u16. */
export const FRAME_HEADER_BYTES = 1 + 1 + 4 + 2

export function encodeMeshFrame({ kind, operation, id, body }: MeshFrame): Uint8Array {
  if (body.length > MESH_BODY_MAX_BYTES) throw new RangeError('body of a mesh frame is too long')
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length)
  const view = new DataView(frame.buffer)
  view.setUint8(0, kind)
  view.setUint8(1, operation)
  view.setUint32(2, id)
  view.setUint16(6, body.length)
  frame.set(body, FRAME_HEADER_BYTES)
  return frame
}

export interface MeshFrameReader {
  /** The frames that are whole now; undefined as soon as something is no frame. Does not keep `data`. */
  push(data: Uint8Array): readonly MeshFrame[] | undefined
}

export function createMeshFrameReader(): MeshFrameReader {
  let held: Uint8Array = new Uint8Array()
  return {
    push(data) {
      const bytes = held.length === 0 ? data : concatBytes(held, data)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const frames: MeshFrame[] = []
      let offset = 0
      while (bytes.length - offset >= FRAME_HEADER_BYTES) {
        const kind = view.getUint8(offset)
        const operation = view.getUint8(offset + 1)
        const id = view.getUint32(offset + 2)
        const length = view.getUint16(offset + 6)
        if (kind !== FRAME_REQUEST && kind !== FRAME_RESPONSE && kind !== FRAME_REFUSAL) return undefined
        if (kind !== FRAME_REQUEST && operation !== 0) return undefined
        if (length > (kind === FRAME_REFUSAL ? 0 : MESH_BODY_MAX_BYTES)) return undefined
        const start = offset + FRAME_HEADER_BYTES
        if (bytes.length - start < length) break
        frames.push({ kind, operation, id, body: Uint8Array.from(bytes.subarray(start, start + length)) })
        offset = start + length
      }
      held = Uint8Array.from(bytes.subarray(offset))
      return frames
    },
  }
}
