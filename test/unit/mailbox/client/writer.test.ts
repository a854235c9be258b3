import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWriter, type WriterDeps } from '../../../../src/mailbox/client/writer.ts'
import { BOX_CIPHERTEXT_BYTES, type Box, encodeBox, encodeStoreReply } from '../../../../src/wire/index.ts'

const boxOf = (fill: number): Box => ({
  boxId: new Uint8Array(32).fill(fill),
  signature: new Uint8Array(64),
  ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES).fill(fill),
})
const OWN = boxOf(1)

/** The times that receipts for our box are counted with, and for a loop. */
async function countedTimes(firstLeftMs?: () => number): Promise<(number | undefined)[]> {
  const times: (number | undefined)[] = []
  const tasks: Promise<void>[] = []
  let waiting: Uint8Array | undefined = encodeBox(OWN)
  const nothing = async (): Promise<void> => undefined
  const deps = {
    clock: { nowMs: () => 1_000 },
    owner: {
      async nextWrite() {
        const bytes = waiting
        waiting = undefined
        return bytes
      },
      onWriteDropped: nothing,
      onWriteSent: nothing,
      onWriteResult: nothing,
      ...(firstLeftMs === undefined ? {} : { firstLeftMs }),
    },
    functions: {
      openReply: () => encodeStoreReply({ status: 'stored', receipts: [] }),
      countReceipts: (input: { readonly firstLeftMs?: number | undefined }) => {
        times.push(input.firstLeftMs)
        return { replicas: 0, wanted: 1, quorum: 1, stored: false, untilMs: undefined, hosts: [] }
      },
    },
    book: { table: { size: 1, closest: () => [] }, noteProbe: () => undefined },
    sealer: { seal: () => ({ routed: {}, intermediate: 'aa' }), noteAnswer: () => undefined },
    loops: {
      create: () => ({ box: boxOf(2), keep: () => undefined, drop: () => undefined }),
      noteLost: () => undefined,
      noteWritten: () => undefined,
    },
    isTableWhole: () => false,
    tell: (task: () => Promise<void>) => void tasks.push(task()),
  }
  const writer = createWriter(deps as unknown as WriterDeps)
  for (let slot = 0; slot < 2; slot += 1) {
    const prepared = writer.prepare()
    await Promise.all(tasks)
    prepared.take().request.expectation?.onReply(new Uint8Array(), 'bb')
  }
  return times
}

describe('the writer', () => {
  it('counts receipts by when the owner says that its box left for the first time, and those of loops by now', async () => {
    assert.deepEqual(await countedTimes(() => 77), [77, undefined])
  })

  it('counts by now where the owner does not know', async () => {
    assert.deepEqual(await countedTimes(), [undefined, undefined])
  })
})
