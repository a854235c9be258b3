/**
 * The boxes of a file: made with a key that its sender draws and its announcement carries.
 * Never made twice with one key: each sealing of a chunk is another box. Spec 03-mailbox §7.4.
 * @module
 */
import { createSha256, KEY_BYTES, type RunningHash, randomBytes, wipe } from '../crypto/index.ts'
import { type Box, decodeBoxBody, encodeBox, encodeBoxBody } from '../wire/index.ts'
import { type BoxKeys, deriveBoxKeys, fileBoxSeed, openBox, sealBox, signTombstone } from './box-keys.ts'

/** For one file. Random. */
export function createFileKey(): Uint8Array {
  return randomBytes(KEY_BYTES)
}

/** The hash by which a file is known to be the one that was announced. */
export function createFileHash(): RunningHash {
  return createSha256()
}

function withKeys<T>(fileKey: Uint8Array, index: number, use: (keys: BoxKeys) => T): T {
  const seed = fileBoxSeed(fileKey, index)
  const keys = deriveBoxKeys(seed)
  const result = use(keys)
  for (const secret of [seed, keys.signingSeed, keys.bodyKey]) wipe(secret)
  return result
}

/** The encoded box of a chunk of `FILE_CHUNK_BYTES`, another length throws `RangeError`. */
export function sealChunk(fileKey: Uint8Array, index: number, bytes: Uint8Array): Uint8Array {
  return withKeys(fileKey, index, (keys) => encodeBox(sealBox(keys, encodeBoxBody({ kind: 'chunk', index, bytes }))))
}

export function chunkBoxId(fileKey: Uint8Array, index: number): Uint8Array {
  return withKeys(fileKey, index, ({ boxId }) => boxId)
}

/** The chunk, undefined when somebody with the key put something else in its place; and what takes the box back. */
export function openChunk(
  fileKey: Uint8Array,
  index: number,
  box: Box,
): { readonly bytes: Uint8Array | undefined; readonly tombstone: Uint8Array } {
  return withKeys(fileKey, index, (keys) => {
    const opened = openBox(keys, box)
    const body = opened === undefined ? undefined : decodeBoxBody(opened)
    const bytes = body?.kind === 'chunk' && body.index === index ? body.bytes : undefined
    return { bytes, tombstone: signTombstone(keys) }
  })
}
