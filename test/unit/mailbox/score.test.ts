import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS } from '../../../src/base/index.ts'
import {
  ageScores,
  createScores,
  excludedHosts,
  keepScores,
  noteProbe,
  type Scores,
  totalOf,
  wilsonLowerBound,
} from '../../../src/mailbox/index.ts'
import { EXCLUSION_MIN_PROBES, SCORE_AGE_COUNT } from '../../../src/mailbox/options.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const HOSTS = Array.from({ length: 12 }, (_, index) => `host-${index}`)

/** Probes of one host alone; every `lossEvery`th is lost, none for 0. */
function probed(count: number, lossEvery: number): Scores {
  let scores = createScores()
  for (let probe = 1; probe <= count; probe += 1) {
    const lost = lossEvery > 0 && probe % lossEvery === 0
    scores = noteProbe(scores, [{ hostKey: 'host-0', role: 'courier' }], lost)
  }
  return scores
}

/** Loops as a client writes and reads them; `drops` says with what probability a host in a role loses one. */
function looped(loops: number, seed: number, drops: (host: number, role: string) => number): Scores {
  const random = createSeededRandom(seed)
  const any = (): number => Math.floor(random.uniform() * HOSTS.length)
  let scores = createScores()
  for (let loop = 0; loop < loops; loop += 1) {
    const path = [
      { host: loop % 2, role: 'courier' },
      { host: any(), role: 'intermediate' },
      { host: any(), role: 'replica' },
    ] as const
    const lost = path.some(({ host, role }) => random.uniform() < drops(host, role))
    scores = noteProbe(
      scores,
      path.map(({ host, role }) => ({ hostKey: HOSTS[host] ?? '', role })),
      lost,
    )
  }
  return scores
}

describe('the lower bound of a share', () => {
  it('agrees with values worked out by hand', () => {
    // By the closed form with z = 1.96, worked out by hand: 5, 10, none and all of 50.
    const close = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 5e-4, `${actual}`)
    close(wilsonLowerBound(5, 50), 0.0435)
    close(wilsonLowerBound(10, 50), 0.1124)
    close(wilsonLowerBound(0, 50), 0)
    close(wilsonLowerBound(50, 50), 0.9287)
    assert.equal(wilsonLowerBound(0, 0), 0)
  })
})

describe('a host', () => {
  it('that loses every fifth loop is left out, but not before there are enough of them', () => {
    assert.equal(excludedHosts(probed(EXCLUSION_MIN_PROBES - 1, 5), HOSTS).size, 0)
    assert.deepEqual([...excludedHosts(probed(EXCLUSION_MIN_PROBES, 5), HOSTS)], ['host-0'])
  })

  it('that loses a few stays', () => {
    assert.equal(excludedHosts(probed(400, 40), HOSTS).size, 0)
    assert.equal(excludedHosts(probed(400, 0), HOSTS).size, 0)
  })

  it('that drops a tenth is found', () => {
    assert.deepEqual([...excludedHosts(probed(400, 10), HOSTS)], ['host-0'])
  })

  it('that was good for long and drops everything now is found within a hundred probes', () => {
    let scores = probed(5_000, 0)
    assert.ok(totalOf(scores, 'host-0').probes < SCORE_AGE_COUNT, 'counts age')
    let needed = 0
    while (excludedHosts(scores, HOSTS).size === 0 && needed < 1_000) {
      scores = noteProbe(scores, [{ hostKey: 'host-0', role: 'courier' }], true)
      needed += 1
    }
    assert.ok(needed < 100, `${needed}`)
  })

  it('cannot make up in one role for what it loses in another', () => {
    let scores = probed(200, 5)
    for (let probe = 0; probe < 400; probe += 1)
      scores = noteProbe(scores, [{ hostKey: 'host-0', role: 'replica' }], false)
    assert.deepEqual([...excludedHosts(scores, HOSTS)], ['host-0'])
  })

  it('is not left out for what only loops tell, since somebody who writes has fewer of them', () => {
    const lossesAs = (role: 'replica' | 'intermediate'): Scores => {
      let scores = createScores()
      for (let probe = 0; probe < 400; probe += 1) scores = noteProbe(scores, [{ hostKey: 'host-0', role }], true)
      return scores
    }
    assert.equal(excludedHosts(lossesAs('replica'), HOSTS).size, 0)
    assert.equal(totalOf(lossesAs('replica'), 'host-0').losses > 0, true)
    assert.equal(excludedHosts(lossesAs('intermediate'), HOSTS).size, 1, 'control')
  })

  it('that was left out is tried again after some days', () => {
    const scores = probed(100, 1)
    assert.equal(excludedHosts(scores, HOSTS).size, 1)
    assert.equal(excludedHosts(ageScores(scores, DAY_MS), HOSTS).size, 1)
    assert.equal(excludedHosts(ageScores(scores, 4 * DAY_MS), HOSTS).size, 0)
    assert.deepEqual(totalOf(ageScores(scores, -DAY_MS), 'host-0'), totalOf(scores, 'host-0'))
  })

  it('that is gone is forgotten', () => {
    const scores = keepScores(
      looped(100, 1, () => 0),
      new Set(['host-1']),
    )
    assert.deepEqual([...scores.keys()], ['host-1'])
    assert.deepEqual(totalOf(scores, 'host-2'), { probes: 0, losses: 0 })
  })
})

describe('loops', () => {
  it('that an intermediate drops are not held against the courier and the replicas', () => {
    const scores = looped(3_000, 7, (host, role) => (role === 'intermediate' && host >= 10 ? 1 : 0))
    assert.deepEqual([...excludedHosts(scores, HOSTS)].sort(), ['host-10', 'host-11'])
    // Control: counted whole for everybody, the couriers would lose a sixth.
    assert.ok(wilsonLowerBound(3_000 / 2 / 6, 3_000 / 2) > 0.05)
  })

  it('find the courier that drops a tenth, and not its companion', () => {
    const scores = looped(3_000, 8, (host, role) => (role === 'courier' && host === 1 ? 0.1 : 0))
    assert.deepEqual([...excludedHosts(scores, HOSTS)], ['host-1'])
  })

  it('find the courier that drops all', () => {
    const scores = looped(400, 9, (host, role) => (role === 'courier' && host === 1 ? 1 : 0))
    assert.deepEqual([...excludedHosts(scores, HOSTS)], ['host-1'])
  })

  it('lost to everybody leave out at most half of the hosts', () => {
    let scores = createScores()
    for (const hostKey of HOSTS) {
      for (let probe = 0; probe < 100; probe += 1) scores = noteProbe(scores, [{ hostKey, role: 'intermediate' }], true)
    }
    assert.equal(excludedHosts(scores, HOSTS).size, HOSTS.length / 2)
    assert.equal(excludedHosts(scores, ['host-0']).size, 0, 'a single host is used whatever it loses')
  })

  it('that all come back leave nobody out', () => {
    const scores = looped(3_000, 11, () => 0.005)
    assert.equal(excludedHosts(scores, HOSTS).size, 0)
  })
})
