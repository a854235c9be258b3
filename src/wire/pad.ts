/**
 * Gives every content the length of a body, so that its ciphertext says nothing about its length.
 * Never pads with anything but zeros, and accepts nothing else: one content has one body. Spec 01-wire §4.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { wireError } from './errors.ts'
import { BODY_LENGTH_BYTES } from './geometry.ts'

/**
 * Output length is always `bodyBytes`, whatever goes in. Layout (spec 01-wire §4): `length:u16 || content || zeros`.
 *
 * @throws {AppError} `WIRE_CONTENT_TOO_LONG` when the content does not fit; the caller splits first.
 */
export function padBody(content: Uint8Array, bodyBytes: number): Uint8Array {
  const room = Math.min(bodyBytes - BODY_LENGTH_BYTES, 0xffff)
  if (content.length > room) throw wireError('WIRE_CONTENT_TOO_LONG', { details: { bytes: content.length, room } })
  return createByteWriter(bodyBytes)
    .u16(content.length)
    .bytes(content)
    .bytes(new Uint8Array(bodyBytes - BODY_LENGTH_BYTES - content.length))
    .finish()
}

/** The content of a body that {@link padBody} made; undefined for a length that overruns or padding that is not zero. */
export function unpadBody(body: Uint8Array): Uint8Array | undefined {
  const reader = createByteReader(body)
  const content = reader.bytes(reader.u16())
  const padding = reader.bytes(reader.remaining())
  return reader.end() && isZero(padding) ? content : undefined
}

/** True when every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
