import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MINUTE_MS } from '../../../src/base/index.ts'
import { type ClientFunctions, countReceipts } from '../../../src/mailbox/index.ts'
import { createTestClient, newBoxKeys } from '../../support/mailbox-client-world.ts'
import type { HostFaults } from '../../support/mailbox-faults.ts'
import { createHostWorld } from '../../support/mailbox-world.ts'

interface Run {
  /** Writes that were reported stored. */
  readonly stored: number
  /** Of these, kept by fewer hosts than were reported, or than make a quorum. */
  readonly untrue: number
}

const WRITES = 4

/** Writes through hosts with these faults, and looks at the hosts' own stores at each result. */
async function run(
  seed: number,
  faults: readonly HostFaults[],
  functions: Partial<ClientFunctions> = {},
): Promise<Run> {
  const world = await createHostWorld({ hosts: faults.length, seed, latencyMs: 100, faults: { ...faults } })
  const client = await createTestClient(world, { seed, functions })
  try {
    const all = Array.from({ length: WRITES }, () => client.write(newBoxKeys()))
    const seen = new Set<number>()
    let stored = 0
    let untrue = 0
    for (let step = 0; step < 40 && client.waiting() > 0; step += 1) {
      await world.clock.advance(MINUTE_MS / 4)
      for (const [index, keys] of all.entries()) {
        const result = client.resultOf(keys)
        if (result?.status !== 'stored' || seen.has(index)) continue
        seen.add(index)
        stored += 1
        const holders = (await world.holders(keys.boxId)).length
        if (holders < result.replicas || holders < Math.min(2, faults.length)) untrue += 1
      }
    }
    assert.deepEqual(client.failures, [])
    return { stored, untrue }
  } finally {
    await client.stop()
    await world.stop()
  }
}

const fault = fc.constantFrom<HostFaults>(
  {},
  { forgesReceipts: true },
  { inventsReceipts: true },
  { garbageShare: 0.5 },
  { wrongSizeShare: 0.5 },
  { lateMs: 5_000, reordersMs: 10_000 },
  { replaysWrites: true, replaysRequests: true },
  { dropShare: 0.3 },
)

describe('what is called stored', () => {
  it('is kept by as many hosts as are named, whatever hosts do', async () => {
    let stored = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fault, { minLength: 1, maxLength: 5 }),
        async (seed, faults) => {
          const result = await run(
            seed,
            faults.map((one) => ({ ...one })),
          )
          stored += result.stored
          assert.equal(result.untrue, 0)
        },
      ),
      { numRuns: 12, seed: 20_261_121 },
    )
    assert.ok(stored > 10, `${stored} stored`)
  })

  it('is nothing when no host tells the truth', async () => {
    for (const lie of [{ forgesReceipts: true }, { inventsReceipts: true }]) {
      assert.deepEqual(await run(7, [{ ...lie }, { ...lie }, { ...lie }]), { stored: 0, untrue: 0 })
    }
  })

  it('control: a client that counts receipts unverified is found', async () => {
    const believing: typeof countReceipts = (input) => {
      const count = countReceipts(input)
      const replicas = input.receipts.length
      const stored = replicas >= count.quorum && count.quorum > 0
      return { ...count, replicas, stored, untilMs: stored ? input.nowMs + MINUTE_MS : undefined }
    }
    const lie = { inventsReceipts: true }
    const result = await run(7, [{ ...lie }, { ...lie }, { ...lie }], { countReceipts: believing })
    assert.ok(result.stored > 0 && result.untrue > 0, `${result.untrue} of ${result.stored} untrue`)
  })
})
