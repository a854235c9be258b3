/**
 * How fast a client reads its host table and finds where a box belongs.
 * Never with fewer hosts than the issue names.
 * @module
 */
import { sha256 } from '../../src/crypto/index.ts'
import { createHostTable, decodeHostTable } from '../../src/mailbox/index.ts'
import { HOST_TABLE_MAX_COUNT } from '../../src/mailbox/options.ts'
import { REPLICA_COUNT } from '../../src/wire/index.ts'
import { hostRecord } from '../../test/support/mailbox-hosts.ts'
import { type Figure, operationsPerSecond } from './figures.ts'

const HOSTS = 10_000
const ROUNDS = 5

export function benchMailboxTable(): Figure[] {
  const made = createHostTable({ maxCount: HOST_TABLE_MAX_COUNT })
  for (let number = 0; number < HOSTS; number += 1) made.merge(hostRecord(number))
  const file = made.encode()

  let loadMs = Infinity
  let table = made
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = performance.now()
    const loaded = decodeHostTable(file, { maxCount: HOST_TABLE_MAX_COUNT })
    if (loaded === undefined) throw new Error('the table does not come back')
    loaded.root()
    loadMs = Math.min(loadMs, performance.now() - startMs)
    table = loaded
  }
  if (table.size !== HOSTS) throw new Error('the table lacks hosts')

  let boxId: Uint8Array = new Uint8Array(32)
  const closestPerSecond = operationsPerSecond(() => {
    boxId = sha256(boxId)
    if (table.closest(boxId, REPLICA_COUNT).length !== REPLICA_COUNT) throw new Error('too few hosts')
  })
  const how = `${HOSTS} hosts, file of ${(file.length / 2 ** 20).toFixed(1)} MiB`
  return [
    {
      name: 'mailbox: host table decoded, indexed, with root',
      value: loadMs,
      unit: 'ms',
      target: { most: 1_000 },
      how: `${how}, best of ${ROUNDS}`,
    },
    {
      name: 'mailbox: closest eight of a box',
      value: 1_000 / closestPerSecond,
      unit: 'ms',
      target: { most: 1 },
      how: `${how}, with the hash of the box id`,
    },
  ]
}
