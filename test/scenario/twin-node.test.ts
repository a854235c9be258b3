import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MINUTE_MS } from '../../src/base/index.ts'
import type { ProfileName } from '../../src/padding/index.ts'
import { type Fault, INJECTED_KIND, INJECTIONS, skippedDummy, WRITE_KIND } from '../support/twin/controls.ts'
import { createLife, type LifeOptions } from '../support/twin/life.ts'
import { runTwin, type TwinRun, type TwinRunOptions } from '../support/twin/run.ts'
import { type Difference, firstDifference } from '../support/twin/trace.ts'

const SEED = 20_261_121

const LIFE: LifeOptions = {
  seed: SEED + 1,
  messages: 40,
  files: 2,
  fileBytes: 4_000,
  restarts: 5,
  strangers: 3,
  probers: 1,
  probes: 240,
  floods: 0,
}

/** Enough for one fault to show. */
const SMALL: LifeOptions = { ...LIFE, messages: 40, files: 0, restarts: 1, strangers: 0, probers: 0 }

interface Twins {
  readonly idle: TwinRun
  readonly busy: TwinRun
  readonly difference: Difference | undefined
}

async function runTwins(
  options: Omit<TwinRunOptions, 'seed' | 'live'> & { readonly seed?: number; readonly life?: LifeOptions },
  known?: TwinRun,
): Promise<Twins> {
  const { life = LIFE, ...rest } = { seed: SEED, ...options }
  const idle = known ?? (await runTwin(rest))
  const busy = await runTwin({ ...rest, live: (world) => createLife(world, life) })
  return { idle, busy, difference: firstDifference(idle.trace, busy.trace) }
}

function assertSame({ busy, difference, idle }: Twins, records: number): void {
  assert.equal(difference?.text, undefined)
  assert.ok(idle.trace.records >= records)
  assert.deepEqual(busy.trace.checkpoints(), idle.trace.checkpoints())
  assert.deepEqual(busy.failures, [])
}

/** A life that nobody led shows nothing. */
function assertLived({ deeds }: TwinRun, kinds: readonly string[]): void {
  for (const kind of kinds) assert.ok((deeds[kind] ?? 0) > 0, `${kind}: ${JSON.stringify(deeds)}`)
}

const LIVED = [
  'messages sent',
  'messages of contacts',
  'read receipts',
  'requests accepted',
  'invites accepted',
  'files sent',
  'files of contacts',
  'failed calls',
  'full disks',
  'front ends',
  'blocked',
  'removed',
  'probe garbage',
  'probe duplicate',
  'probe old',
  'probe valid',
  'refused STORE_FULL',
  'sent: read',
  'received: text',
  'full',
]

describe('a node with a life and one without', () => {
  it('send the same to the same places at the same times, with every request sealed', async () => {
    const twins = await runTwins({ profile: 'balanced', records: 200, codec: 'shipped' })
    assertSame(twins, 200)
    assertLived(twins.busy, ['messages sent', 'requests accepted', 'probe garbage', 'received: text'])
  })

  const profiles: Readonly<Record<Exclude<ProfileName, 'manual'>, number>> = {
    low: 300,
    balanced: 800,
    fast: 900,
    paranoid: 500,
  }
  for (const [profile, records] of Object.entries(profiles)) {
    it(`do so with profile ${profile}`, async () => {
      const stepMs = profile === 'low' ? 5 * MINUTE_MS : MINUTE_MS
      const twins = await runTwins({ profile: profile as ProfileName, records, stepMs, codec: 'plain' })
      assertSame(twins, records)
      assertLived(twins.busy, LIVED)
    })
  }
})

describe('a fault is found', () => {
  const options = { profile: 'balanced', records: 400, codec: 'plain' } as const
  let idle: TwinRun | undefined

  /** Faults that do nothing while nothing is done share the idle twin. */
  const find = async (fault: Fault, life: LifeOptions): Promise<Twins & { readonly difference: Difference }> => {
    idle ??= await runTwin({ seed: SEED, ...options })
    const twins = await runTwins({ ...options, life, wraps: fault.wraps }, idle)
    const { difference } = twins
    assert.ok(difference !== undefined, 'no difference')
    return { ...twins, difference }
  }

  for (const [name, create] of Object.entries(INJECTIONS)) {
    it(`when it is ${name}, at its first record`, async () => {
      const fault = create()
      const { difference } = await find(fault, { ...SMALL, probers: name.includes('invalid') ? 1 : 0 })
      assert.equal(difference.index, fault.firstAt())
      assert.equal(difference.other?.kind, 'record')
      assert.equal(difference.other?.detail, INJECTED_KIND)
    })
  }

  it('when dummies are left out, at the first slot that has something', async () => {
    const { wraps } = skippedDummy()
    const { difference } = await runTwins({ ...options, life: SMALL, wraps })
    assert.equal(difference?.other?.kind, 'record')
    assert.equal(difference?.other?.detail, WRITE_KIND)
  })

  it('when an invite has a rendezvous, which listens', async () => {
    const wraps: TwinRunOptions['wraps'] = () => ({
      messenger: (messenger) => ({
        ...messenger,
        createInvite: (invite) => messenger.createInvite({ ...invite, rendezvous: true }),
      }),
    })
    const { difference } = await runTwins({ ...options, records: 60, life: SMALL, wraps })
    assert.equal(difference?.other?.kind, 'listen')
  })

  it('when content is drawn from the stream of the schedule', async () => {
    const { busy, difference } = await runTwins({ ...options, life: SMALL, sharesRandom: true })
    assertLived(busy, ['messages sent'])
    assert.ok(difference !== undefined, 'no difference')
  })
})
