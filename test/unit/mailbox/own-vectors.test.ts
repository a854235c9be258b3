import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMailboxVectors } from '../../../scripts/mailbox-vectors.ts'
import { hexEncode } from '../../../src/base/index.ts'
import {
  ciphertextHashOf,
  deriveBoxKeys,
  inviteBoxSeed,
  keysOf,
  openBox,
  openReply,
  openRequest,
  readCheckReply,
  sealBox,
  sealReply,
  verifyReceipt,
  verifyTombstone,
} from '../../../src/mailbox/index.ts'
import { decodeSequences } from '../../../src/mailbox/sequence-codec.ts'
import { AEAD_NONCE_BYTES, decodeBox } from '../../../src/wire/index.ts'
import { hex, readVectors } from '../../support/vectors.ts'

interface MailboxVectors {
  box: Record<'seed' | 'boxId' | 'signingSeed' | 'bodyKey' | 'body' | 'nonce' | 'sealed' | 'tombstone', string>
  invite: Record<'voucher' | 'bundleSeed' | 'requestSeed', string>
  sequence: {
    firstBoxKey: string
    secondBoxKey: string
    boxes: { boxId: string; index: number; previousBoxes: number }[]
    steps: { read: number; wanted: string[]; state: string }[]
  }
  request: Record<
    | 'hostKey'
    | 'sealPrivateKey'
    | 'request'
    | 'sealed'
    | 'replyKey'
    | 'reply'
    | 'replyNonce'
    | 'sealedReply'
    | 'checkHit'
    | 'checkMiss',
    string
  >
  host: { hostKey: string; hostId: string; expiresAtSeconds: number; receipt: string }
}

const vectors = readVectors('mailbox-v1') as MailboxVectors

describe('mailbox-v1 vectors', () => {
  it('are what the generator writes', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(createMailboxVectors())), vectors)
  })

  it('box, tombstone, invite', () => {
    const { box, invite } = vectors
    const keys = deriveBoxKeys(hex(box.seed))
    const decoded = decodeBox(hex(box.sealed))
    assert.ok(decoded !== undefined)
    assert.equal(hexEncode(keys.boxId), box.boxId)
    assert.equal(hexEncode(openBox(keys, decoded) ?? new Uint8Array()), box.body)
    assert.equal(hexEncode(decoded.ciphertext.subarray(0, AEAD_NONCE_BYTES)), box.nonce)
    assert.deepEqual(sealBox(keys, hex(box.body), hex(box.nonce)), decoded)
    assert.ok(verifyTombstone(keys.boxId, hex(box.tombstone)))
    assert.equal(hexEncode(inviteBoxSeed(hex(invite.voucher), 'request')), invite.requestSeed)
  })

  it('sequences: what is looked for after each read', () => {
    const { boxes, steps } = vectors.sequence
    assert.deepEqual(
      boxes.map(({ previousBoxes }) => previousBoxes),
      [0, 0, 0, 0, 0, 0, 6, 6],
    )
    for (const { read, wanted, state } of steps) {
      const sequences = decodeSequences(hex(state))
      assert.ok(sequences !== undefined)
      const id = boxes[read]?.boxId ?? ''
      assert.equal(keysOf(sequences, hex(id)), undefined, 'read')
      assert.ok(!wanted.some((entry) => entry.endsWith(id)))
      for (const [index, box] of boxes.entries()) {
        const isWanted = wanted.some((entry) => entry.endsWith(box.boxId))
        assert.equal(keysOf(sequences, hex(box.boxId)) !== undefined, isWanted, `box ${index}`)
      }
    }
  })

  it('requests and replies', () => {
    const { request } = vectors
    const opened = openRequest([hex(request.sealPrivateKey)], hex(request.hostKey), hex(request.sealed))
    assert.equal(hexEncode(opened ?? new Uint8Array()), request.request)
    const replyKey = hex(request.replyKey)
    assert.equal(hexEncode(openReply(replyKey, hex(request.sealedReply)) ?? new Uint8Array()), request.reply)
    assert.equal(hexEncode(sealReply(replyKey, hex(request.reply), hex(request.replyNonce))), request.sealedReply)
    assert.ok(request.sealedReply.startsWith(request.replyNonce))
    assert.equal(readCheckReply(replyKey, hex(request.checkHit)), true)
    assert.equal(readCheckReply(replyKey, hex(request.checkMiss)), false)
  })

  it('receipt', () => {
    const { host, box } = vectors
    const { hostKey, expiresAtSeconds } = host
    const decoded = decodeBox(hex(box.sealed))
    assert.ok(decoded !== undefined)
    const receipt = { route: hex(host.hostId).slice(0, 16), expiresAtSeconds, signature: hex(host.receipt) }
    assert.ok(verifyReceipt(hex(hostKey), decoded.boxId, ciphertextHashOf(decoded), receipt))
  })
})
