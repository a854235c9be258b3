/**
 * The page that holds the erasure key, and for the moment of a renewal the old and the new one. Spec 09-store §6.
 * Never moves: it is overwritten in place, so that a replaced key is gone from where it was.
 * @module
 */

import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { createByteReader, createByteWriter } from '../base/index.ts'
import { aeadOpen, aeadSeal, framed, KEY_BYTES, label, randomBytes } from '../crypto/index.ts'
import { fileError } from './private-files.ts'

export const PAGE_BYTES = 4_096
/** One sector, the smallest unit that a disk writes as a whole: writing one slot cannot harm the other. */
const SLOT_BYTES = 512
/** Half a page apart, in sectors that share nothing. */
const SLOT_OFFSETS = [0, 2_048] as const
const NONCE_BYTES = 12
const SEALED_SLOT_BYTES = 8 + NONCE_BYTES + KEY_BYTES + 16
const SLOT_LABEL = label('store/erasure-slot')

export interface ErasureKey {
  /** Counts renewals; its parity chooses the slot. */
  readonly generation: number
  readonly key: Uint8Array
}

export interface ErasurePage {
  /** One or two keys, the older first. */
  readonly keys: readonly ErasureKey[]
  /** False when a slot holds something that is neither a key nor empty: a write was torn, or the page is damaged. */
  readonly isClean: boolean
}

function slotOffset(generation: number): number {
  return SLOT_OFFSETS[generation % 2 === 0 ? 0 : 1]
}

function slotData(generationBytes: Uint8Array): Uint8Array {
  return framed(SLOT_LABEL, generationBytes)
}

function withSlotBytes(page: Uint8Array, generation: number, content: Uint8Array): Uint8Array {
  const changed = page.slice()
  const offset = slotOffset(generation)
  changed.fill(0, offset, offset + SLOT_BYTES)
  changed.set(content, offset)
  return changed
}

/** A copy of the page in which this key took the slot of its parity; the other slot's bytes are the same. */
export function withKey(page: Uint8Array, pageKey: Uint8Array, { generation, key }: ErasureKey): Uint8Array {
  const generationBytes = createByteWriter(8).u64(generation).finish()
  const nonce = randomBytes(NONCE_BYTES)
  const sealed = aeadSeal(pageKey, nonce, slotData(generationBytes), key)
  const slot = createByteWriter(SEALED_SLOT_BYTES).bytes(generationBytes).bytes(nonce).bytes(sealed).finish()
  return withSlotBytes(page, generation, slot)
}

/** A copy of the page in which the slot of this generation is empty. */
export function withoutKey(page: Uint8Array, generation: number): Uint8Array {
  return withSlotBytes(page, generation, new Uint8Array(0))
}

function openSlot(page: Uint8Array, pageKey: Uint8Array, offset: number): ErasureKey | undefined {
  const reader = createByteReader(page.subarray(offset, offset + SEALED_SLOT_BYTES))
  const generationBytes = reader.bytes(8)
  const nonce = reader.bytes(NONCE_BYTES)
  const key = aeadOpen(pageKey, nonce, slotData(generationBytes), reader.bytes(KEY_BYTES + 16))
  const generationReader = createByteReader(generationBytes)
  const generation = generationReader.u64()
  if (key === undefined || !generationReader.end() || slotOffset(generation) !== offset) return undefined
  return { generation, key }
}

function isEmpty(page: Uint8Array, offset: number): boolean {
  return page.subarray(offset, offset + SLOT_BYTES).every((byte) => byte === 0)
}

/** What the page holds, or undefined when there is no key in it or the two do not follow each other. */
export function readPage(page: Uint8Array, pageKey: Uint8Array): ErasurePage | undefined {
  if (page.length !== PAGE_BYTES) return undefined
  const keys: ErasureKey[] = []
  let isClean = true
  for (const offset of SLOT_OFFSETS) {
    const found = openSlot(page, pageKey, offset)
    if (found !== undefined) keys.push(found)
    else if (!isEmpty(page, offset)) isClean = false
  }
  keys.sort((a, b) => a.generation - b.generation)
  const [first, second] = keys
  if (first === undefined) return undefined
  if (second !== undefined && second.generation !== first.generation + 1) return undefined
  return { keys, isClean }
}

export interface PageFile {
  read(): Promise<Uint8Array>
  /** Overwrites the page where it is; on the disk when it resolves. @throws {AppError} `STORE_IO`, `STORE_FULL` */
  write(page: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Opens the existing page file; never makes or cuts it. */
export async function openPageFile(path: string): Promise<PageFile> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW)
  } catch (error: unknown) {
    throw fileError(error)
  }
  return {
    async read() {
      const buffer = new Uint8Array(PAGE_BYTES + 1)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
      return buffer.slice(0, bytesRead)
    },
    async write(page) {
      try {
        let written = 0
        while (written < page.length) {
          const { bytesWritten } = await handle.write(page, written, page.length - written, written)
          written += bytesWritten
        }
        await handle.datasync()
      } catch (error: unknown) {
        throw fileError(error)
      }
    },
    close: () => handle.close(),
  }
}
