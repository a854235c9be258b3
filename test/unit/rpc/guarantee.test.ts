import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Separation } from '../../../src/messenger/index.ts'
import { describeGuarantee } from '../../../src/rpc/index.ts'

/** As the mailbox client counts: eight replicas and two receipts, or as many as there are hosts. */
function guaranteeOf(hosts: number, separation: Separation): string {
  return describeGuarantee({ hosts, separation, replicas: Math.min(8, hosts), quorum: Math.min(2, hosts) })
}

describe('guarantee', () => {
  it('says for each size of network what it gives and what it does not', () => {
    assert.match(guaranteeOf(0, 'none'), /^No hosts are known: .* only while both sides are online/)
    assert.match(guaranteeOf(1, 'single'), /^One host is courier, intermediate and store: .* gone, so is what waits/)
    assert.match(guaranteeOf(2, 'partial'), /^2 hosts: some roles fall together.* waits at all 2 of them/)
    assert.match(guaranteeOf(3, 'partial'), /^3 hosts: .* once 2 have signed/)
    assert.match(guaranteeOf(8, 'full'), /^8 hosts: .* intermediate may keep the box .* at all 8 of them/)
    assert.match(guaranteeOf(50, 'full'), /^50 hosts: .* different hosts\. A message waits at 8 of them/)
  })

  it('never claims apart roles where they fall together', () => {
    for (const separation of ['none', 'single', 'partial'] as const) {
      assert.doesNotMatch(guaranteeOf(2, separation), /different hosts/)
    }
    assert.match(guaranteeOf(12, 'full'), /different hosts/)
  })
})
