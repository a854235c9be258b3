import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  BOX_BODY_BYTES,
  decodeAnnouncement,
  encodeAnnouncement,
  FILE_CHUNK_BYTES,
  FILE_CHUNKS_MAX_COUNT,
  FILE_MAX_BYTES,
  FILE_NAME_MAX_BYTES,
  fileBucketBytes,
  fileChunkCount,
  isMimeType,
  sanitiseFileName,
} from '../../../src/wire/index.ts'

const KIB = 1_024
const ANNOUNCEMENT = {
  fileKey: new Uint8Array(32).fill(1),
  hash: new Uint8Array(32).fill(2),
  bytes: 5,
  name: 'a.txt',
  mimeType: 'text/plain',
}

describe('buckets of files', () => {
  it('are 16 KiB times powers of four, and an empty file has the first', () => {
    const buckets = [0, 1, 16 * KIB, 16 * KIB + 1, 64 * KIB, 64 * KIB + 1, 256 * KIB + 1, 1 << 20, (1 << 20) + 1]
    assert.deepEqual(
      buckets.map((bytes) => fileBucketBytes(bytes) / KIB),
      [16, 16, 16, 64, 64, 256, 1_024, 1_024, 4_096],
    )
    assert.equal(fileBucketBytes(FILE_MAX_BYTES), FILE_MAX_BYTES)
    assert.equal(FILE_MAX_BYTES, 16 << 20)
  })

  it('take nothing longer, and nothing that is no length', () => {
    for (const bytes of [FILE_MAX_BYTES + 1, -1, 0.5, Number.NaN]) {
      assert.throws(() => fileBucketBytes(bytes), RangeError)
    }
  })

  it('are cut into as many chunks as hold them, one number a bucket', () => {
    assert.equal(FILE_CHUNK_BYTES, BOX_BODY_BYTES - 3)
    const counts = [0, 5, 16 * KIB, 64 * KIB, 256 * KIB, 1 << 20, 4 << 20, 16 << 20].map(fileChunkCount)
    assert.deepEqual(counts, [10, 10, 10, 40, 160, 639, 2_556, 10_224])
    assert.equal(FILE_CHUNKS_MAX_COUNT, 10_224)
    assert.ok(FILE_CHUNKS_MAX_COUNT < 2 ** 16)
    for (const bytes of [0, 16 * KIB, 200_000, FILE_MAX_BYTES]) {
      assert.ok(fileChunkCount(bytes) * FILE_CHUNK_BYTES >= fileBucketBytes(bytes))
      assert.ok((fileChunkCount(bytes) - 1) * FILE_CHUNK_BYTES < fileBucketBytes(bytes))
    }
  })
})

describe('announcement of a file', () => {
  it('reads back what it says', () => {
    for (const each of [
      ANNOUNCEMENT,
      { ...ANNOUNCEMENT, bytes: 0, mimeType: undefined },
      { ...ANNOUNCEMENT, bytes: FILE_MAX_BYTES, name: 'x'.repeat(FILE_NAME_MAX_BYTES) },
      { ...ANNOUNCEMENT, name: 'Zoë’s 写真 👩‍👩‍👧.jpeg' },
    ]) {
      assert.deepEqual(decodeAnnouncement(encodeAnnouncement(each)), each)
    }
  })

  it('refuses names that could be a path or a line of their own, whoever wrote them', () => {
    const names = ['../x', 'a/b', 'a\\b', '.', '..', 'a\nb', 'a\u0000', '\u001b[2J', 'a\u0085b', '', 'x'.repeat(256)]
    for (const name of names) {
      assert.throws(() => encodeAnnouncement({ ...ANNOUNCEMENT, name }), RangeError, JSON.stringify(name))
    }
    // The same bytes but for one character in the name: written by somebody else's client.
    const bytes = encodeAnnouncement({ ...ANNOUNCEMENT, name: 'aXb' })
    const at = bytes.indexOf('X'.charCodeAt(0))
    for (const character of ['/', '\\', '\n', '\u0000']) {
      assert.equal(decodeAnnouncement(bytes.with(at, character.charCodeAt(0))), undefined)
    }
    assert.equal(decodeAnnouncement(bytes.with(at, 'Y'.charCodeAt(0)))?.name, 'aYb')
  })

  it('refuses types that are not printable ASCII, and files that are too long', () => {
    for (const mimeType of ['', 'text/plain\n', 'té/xt', 'x'.repeat(129)]) {
      assert.equal(isMimeType(mimeType), false)
      assert.throws(() => encodeAnnouncement({ ...ANNOUNCEMENT, mimeType }), RangeError)
    }
    assert.equal(isMimeType('text/plain; charset=utf-8'), true)
    assert.throws(() => encodeAnnouncement({ ...ANNOUNCEMENT, bytes: FILE_MAX_BYTES + 1 }), RangeError)
  })
})

describe('a name made safe', () => {
  it('keeps what people write', () => {
    for (const name of ['a.txt', 'Zoë’s 写真 👩‍👩‍👧 (1).jpeg', '.profile', 'x'.repeat(255)]) {
      assert.equal(sanitiseFileName(name), name)
    }
  })

  it('has no separators, controls, invisible or reordering characters, and never too many bytes', () => {
    const cases: [string, string][] = [
      ['/etc/passwd', '_etc_passwd'],
      ['..\\..\\x', '.._.._x'],
      ['..', 'file'],
      [' . ', 'file'],
      ['', 'file'],
      ['a\u202egpj.exe', 'a_gpj.exe'],
      ['a\u0000b\nc', 'a_b_c'],
      ['C:x', 'C_x'],
      ['\ud800', '\ufffd'],
      ['é'.repeat(200), 'é'.repeat(127)],
      [`${'x'.repeat(254)}😀`, 'x'.repeat(254)],
    ]
    for (const [name, safe] of cases) assert.equal(sanitiseFileName(name), safe, JSON.stringify(name))
  })

  it('can always be announced, and is safe the second time', () => {
    for (let code = 0; code < 0x3_0000; code += 7) {
      const name = sanitiseFileName(String.fromCodePoint(code).repeat(3))
      assert.equal(sanitiseFileName(name), name)
      encodeAnnouncement({ ...ANNOUNCEMENT, name })
    }
  })
})
