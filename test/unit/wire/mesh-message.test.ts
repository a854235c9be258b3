import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  BOX_BYTES,
  BOX_CIPHERTEXT_BYTES,
  decodeMeshFlag,
  decodeMeshId,
  decodeMeshInventory,
  decodeMeshInventoryResult,
  decodeMeshStore,
  decodeMeshStoreResult,
  decodeMeshTablePage,
  decodeMeshTableRoot,
  decodeMeshTombstone,
  encodeMeshFlag,
  encodeMeshInventory,
  encodeMeshInventoryResult,
  encodeMeshStore,
  encodeMeshStoreResult,
  encodeMeshTablePage,
  encodeMeshTableRoot,
  encodeMeshTombstone,
  HOST_DESCRIPTOR_BYTES,
  MESH_BODY_MAX_BYTES,
  MESH_INVENTORY_COUNT,
  MESH_TABLE_PAGE_COUNT,
  type MeshStoreResult,
} from '../../../src/wire/index.ts'
import { fuzzDecoder } from '../../support/strict-decoder.ts'

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const box = { boxId: filled(32, 1), signature: filled(64, 2), ciphertext: filled(BOX_CIPHERTEXT_BYTES, 3) }
const stored: MeshStoreResult = { status: 'stored', expiresAtSeconds: 0x0102_0304, signature: filled(64, 9) }
const refusals: readonly MeshStoreResult[] = [
  { status: 'conflict' },
  { status: 'full' },
  { status: 'invalid' },
  { status: 'tombstoned' },
]

describe('mesh messages', () => {
  it('reads back what it wrote', () => {
    const store = { box, expiresAtSeconds: 77 }
    assert.deepEqual(decodeMeshStore(encodeMeshStore(store)), store)
    for (const result of [stored, ...refusals])
      assert.deepEqual(decodeMeshStoreResult(encodeMeshStoreResult(result)), result)
    const tombstone = { boxId: box.boxId, signature: box.signature }
    assert.deepEqual(decodeMeshTombstone(encodeMeshTombstone(tombstone)), tombstone)
    const root = { root: filled(32, 4), hostCount: 9 }
    assert.deepEqual(decodeMeshTableRoot(encodeMeshTableRoot(root)), root)
    for (const flag of [true, false]) assert.equal(decodeMeshFlag(encodeMeshFlag(flag)), flag)
    const page = [filled(HOST_DESCRIPTOR_BYTES, 5), filled(HOST_DESCRIPTOR_BYTES, 6)]
    assert.deepEqual(decodeMeshTablePage(encodeMeshTablePage(page)), page)
    assert.deepEqual(decodeMeshTablePage(encodeMeshTablePage([])), [])
    const ids = [filled(32, 7), filled(32, 8), filled(32, 9)]
    assert.deepEqual(decodeMeshInventory(encodeMeshInventory(ids)), ids)
    const found = [true, false, true]
    assert.deepEqual(decodeMeshInventoryResult(encodeMeshInventoryResult(found), 3), found)
    assert.deepEqual(decodeMeshId(ids[0] ?? filled(0, 0)), ids[0])
  })

  it('has one length for every answer to a question', () => {
    const lengths = [stored, ...refusals].map((result) => encodeMeshStoreResult(result).length)
    assert.deepEqual(new Set(lengths), new Set([69]))
    const full = Array.from({ length: MESH_TABLE_PAGE_COUNT }, () => filled(HOST_DESCRIPTOR_BYTES, 5))
    assert.equal(encodeMeshTablePage(full).length, encodeMeshTablePage([]).length)
    assert.equal(encodeMeshFlag(true).length, encodeMeshFlag(false).length)
    assert.equal(encodeMeshInventoryResult([true]).length, encodeMeshInventoryResult([]).length)
  })

  it('fits what the mesh carries', () => {
    assert.ok(encodeMeshTablePage([]).length <= MESH_BODY_MAX_BYTES)
    assert.ok(encodeMeshInventory([box.boxId]).length <= MESH_BODY_MAX_BYTES)
    assert.equal(encodeMeshStore({ box, expiresAtSeconds: 0 }).length, BOX_BYTES + 4)
  })

  it('refuses every oversized page, and ids where there should be none', () => {
    const page = encodeMeshTablePage([filled(HOST_DESCRIPTOR_BYTES, 5)])
    assert.ok(decodeMeshTablePage(page) !== undefined)
    assert.equal(decodeMeshTablePage(page.with(0, MESH_TABLE_PAGE_COUNT + 1)), undefined)
    assert.equal(decodeMeshTablePage(page.with(0, 0)), undefined, 'what is not counted must be zero')
    assert.equal(decodeMeshTablePage(filled(page.length + HOST_DESCRIPTOR_BYTES, 0)), undefined)
    assert.equal(decodeMeshInventoryResult(encodeMeshInventoryResult([true, true]), 1), undefined)
    assert.equal(decodeMeshInventory(encodeMeshInventory([box.boxId]).with(0, 0)), undefined)
  })

  it('does not write what it would not read', () => {
    const descriptor = filled(HOST_DESCRIPTOR_BYTES, 5)
    const tooMany = Array.from({ length: MESH_TABLE_PAGE_COUNT + 1 }, () => descriptor)
    assert.throws(() => encodeMeshTablePage(tooMany), RangeError)
    assert.throws(() => encodeMeshInventory([]), RangeError)
    const ids = Array.from({ length: MESH_INVENTORY_COUNT + 1 }, () => box.boxId)
    assert.throws(() => encodeMeshInventory(ids), RangeError)
    assert.throws(() => encodeMeshInventoryResult(ids.map(() => true)), RangeError)
  })

  it('takes no other bytes than those it would write', () => {
    const counts = [
      fuzzDecoder(
        {
          valid: [stored, ...refusals].map(encodeMeshStoreResult),
          decode: decodeMeshStoreResult,
          encode: encodeMeshStoreResult,
        },
        1,
      ),
      fuzzDecoder(
        {
          // Full, so that there is no padding to look through for each of many changes.
          valid: [
            encodeMeshTablePage(new Array<Uint8Array>(MESH_TABLE_PAGE_COUNT).fill(filled(HOST_DESCRIPTOR_BYTES, 5))),
          ],
          decode: decodeMeshTablePage,
          encode: encodeMeshTablePage,
          flipsPerByte: 1,
        },
        2,
      ),
      fuzzDecoder(
        {
          valid: [encodeMeshInventory([filled(32, 7), filled(32, 8)])],
          decode: decodeMeshInventory,
          encode: encodeMeshInventory,
          flipsPerByte: 1,
        },
        3,
      ),
      fuzzDecoder(
        {
          valid: [encodeMeshStore({ box, expiresAtSeconds: 5 })],
          decode: decodeMeshStore,
          encode: encodeMeshStore,
          flipsPerByte: 1,
        },
        4,
      ),
      fuzzDecoder(
        {
          valid: [encodeMeshTombstone({ boxId: box.boxId, signature: box.signature })],
          decode: decodeMeshTombstone,
          encode: encodeMeshTombstone,
          flipsPerByte: 1,
        },
        5,
      ),
      fuzzDecoder(
        {
          valid: [encodeMeshTableRoot({ root: filled(32, 4), hostCount: 3 })],
          decode: decodeMeshTableRoot,
          encode: encodeMeshTableRoot,
        },
        6,
      ),
      fuzzDecoder(
        { valid: [encodeMeshFlag(true), encodeMeshFlag(false)], decode: decodeMeshFlag, encode: encodeMeshFlag },
        7,
      ),
    ]
    for (const { tried, accepted } of counts) assert.ok(tried > 100 && accepted > 0)
  })
})
