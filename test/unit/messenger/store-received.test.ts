import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ContactEntry, Context } from '../../../src/messenger/context.ts'
import { receivePart, storeReceived } from '../../../src/messenger/incoming.ts'
import type { Step } from '../../../src/messenger/journal.ts'
import { MESSAGE, TABLE } from '../../../src/messenger/records.ts'
import { createMemoryStore } from '../../../src/store/index.ts'
import { CONTENT_TYPE_ATTACHMENT, CONTENT_TYPE_TEXT } from '../../../src/wire/index.ts'

const CONTACT_ID = 'c0'.repeat(16)

/** What is kept of a content that this version cannot show. */
function keptOf(type: number): unknown {
  let stored: Uint8Array | undefined
  const step = {
    put: (table: string, _key: string, value: Uint8Array) => {
      if (table === 'message') stored = value
    },
    event: () => undefined,
    after: () => undefined,
  }
  const context = { deps: { clock: { nowMs: () => 1_000 } } }
  const entry = {
    record: {
      contactId: CONTACT_ID,
      state: 'active',
      stateBefore: undefined,
      role: 'dialer',
      alias: undefined,
      remote: undefined,
      createdAtMs: 1,
      requestExpiresAtMs: 1,
      failure: undefined,
      messageCount: 0,
      queuedMessages: 0,
      readUpTo: 0,
      receipts: { delivery: true, read: false },
      inviteId: CONTACT_ID,
    },
  }
  const content = { messageId: new Uint8Array(16), timestampMs: 1, type, body: Uint8Array.of(1, 2, 3) }
  storeReceived(context as unknown as Context, step as unknown as Step, entry as unknown as ContactEntry, content)
  return stored === undefined ? undefined : MESSAGE.decode(stored)?.raw
}

describe('storeReceived', () => {
  it('keeps nothing of an announcement that is none to us: the key in it would not be erased', () => {
    assert.equal(keptOf(CONTENT_TYPE_ATTACHMENT), undefined)
  })

  it('keeps what a later version may know: control', () => {
    assert.deepEqual(keptOf(77), { type: 77, body: Uint8Array.of(1, 2, 3) })
  })
})

/** Whether the first part of a message of this type lies in an erasable row. */
async function isPartErasable(type: number): Promise<boolean | undefined> {
  let found: boolean | undefined
  const step = {
    put: (table: string, _key: string, _value: Uint8Array, options?: { readonly erasable?: boolean }) => {
      if (table === TABLE.partial) found = options?.erasable ?? false
    },
  }
  const context = { deps: { store: createMemoryStore() } }
  const entry = { record: { contactId: CONTACT_ID } }
  const message = { messageId: new Uint8Array(16), timestampMs: 1, type }
  const part = { ...message, partIndex: 0, partCount: 2, chunk: Uint8Array.of(1, 2, 3) }
  await receivePart(context as unknown as Context, step as unknown as Step, entry as unknown as ContactEntry, 1, part)
  return found
}

describe('receivePart', () => {
  it('keeps the first half of an announcement where it can be erased: it has the key of the file', async () => {
    assert.equal(await isPartErasable(CONTENT_TYPE_ATTACHMENT), true)
    // Control: a text is kept with the messages in the end.
    assert.equal(await isPartErasable(CONTENT_TYPE_TEXT), false)
  })
})
