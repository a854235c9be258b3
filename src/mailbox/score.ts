/**
 * Which hosts lose what is given to them, learnt from what comes back: loops, checks and fetches.
 * Never lets one lossy host bring down those it was used with: a loss is shared out by who is already known to lose.
 * Pure. Spec 03-mailbox §9.
 * @module
 */
import {
  EXCLUDED_SHARE_MAX,
  EXCLUSION_LOSS,
  EXCLUSION_MIN_PROBES,
  LOSS_PRIOR,
  LOSS_PRIOR_WEIGHT,
  SCORE_AGE_COUNT,
  SCORE_HALF_LIFE_MS,
  WILSON_Z,
} from './options.ts'

export type HostRole = 'courier' | 'intermediate' | 'replica'

/** What one host did in one role; both count less as they age. */
export interface Tally {
  readonly probes: number
  /** A share of each loss that the host may have caused; not whole numbers. */
  readonly losses: number
}

export type HostScore = Readonly<Record<HostRole, Tally>>

/** By the hexadecimal host key. A value; every function below gives a new one. */
export type Scores = ReadonlyMap<string, HostScore>

/** One host in one role that a probe depended on. */
export interface Suspect {
  readonly hostKey: string
  readonly role: HostRole
}

const NO_TALLY: Tally = { probes: 0, losses: 0 }
const NO_SCORE: HostScore = { courier: NO_TALLY, intermediate: NO_TALLY, replica: NO_TALLY }

export function createScores(): Scores {
  return new Map()
}

function tallyOf(scores: Scores, { hostKey, role }: Suspect): Tally {
  return scores.get(hostKey)?.[role] ?? NO_TALLY
}

/** What share of probes this one loses, as far as is known: a guess for who is new, his own record later. */
function expectedLoss({ probes, losses }: Tally): number {
  return (losses + LOSS_PRIOR * LOSS_PRIOR_WEIGHT) / (probes + LOSS_PRIOR_WEIGHT)
}

/**
 * Counts one probe that came back, or did not, for everybody it depended on.
 *
 * A loss is charged to each by the probability that he caused it, if each loses independently at his expected rate: so a
 * courier is not blamed for the intermediate that drops everything, once that one is known for it. To be told only of
 * probes whose own link lived all the while: what the network did is nobody's loss.
 */
export function noteProbe(scores: Scores, suspects: readonly Suspect[], lost: boolean): Scores {
  const rates = suspects.map((suspect) => expectedLoss(tallyOf(scores, suspect)))
  const anyLoss = 1 - rates.reduce((product, rate) => product * (1 - rate), 1)
  const next = new Map(scores)
  for (const [index, { hostKey, role }] of suspects.entries()) {
    const score = next.get(hostKey) ?? NO_SCORE
    const { probes, losses } = score[role]
    const share = lost ? Math.min(1, (rates[index] ?? 0) / anyLoss) : 0
    next.set(hostKey, { ...score, [role]: aged({ probes: probes + 1, losses: losses + share }) })
  }
  return next
}

/** Halves both once there are many, so that what a host does now counts more than what it did. */
function aged({ probes, losses }: Tally): Tally {
  return probes >= SCORE_AGE_COUNT ? { probes: probes / 2, losses: losses / 2 } : { probes, losses }
}

/** Lets time pass: an excluded host, of which nothing is learnt, is tried again after some days. */
export function ageScores(scores: Scores, elapsedMs: number): Scores {
  const factor = 2 ** (-Math.max(0, elapsedMs) / SCORE_HALF_LIFE_MS)
  const age = ({ probes, losses }: Tally): Tally => ({ probes: probes * factor, losses: losses * factor })
  return new Map(
    [...scores].map(([hostKey, { courier, intermediate, replica }]) => [
      hostKey,
      { courier: age(courier), intermediate: age(intermediate), replica: age(replica) },
    ]),
  )
}

/** Forgets hosts that are no longer there. */
export function keepScores(scores: Scores, hostKeys: ReadonlySet<string>): Scores {
  return new Map([...scores].filter(([hostKey]) => hostKeys.has(hostKey)))
}

/** Lower end of the 95 % interval of a share (Wilson 1927); 0 without probes. */
export function wilsonLowerBound(losses: number, probes: number): number {
  if (probes <= 0) return 0
  const share = Math.min(1, losses / probes)
  const z2 = WILSON_Z * WILSON_Z
  const spread = WILSON_Z * Math.sqrt((share * (1 - share)) / probes + z2 / (4 * probes * probes))
  return Math.max(0, (share + z2 / (2 * probes) - spread) / (1 + z2 / probes))
}

function isLossy({ probes, losses }: Tally): boolean {
  return probes >= EXCLUSION_MIN_PROBES && wilsonLowerBound(losses, probes) > EXCLUSION_LOSS
}

/** Not of the replica: only loops tell of it, and there are fewer of them the more is written. */
function worstLoss({ courier, intermediate }: HostScore): number {
  const bounds = [courier, intermediate].filter(isLossy).map((tally) => wilsonLowerBound(tally.losses, tally.probes))
  return Math.max(0, ...bounds)
}

/**
 * Who is not to be used as courier or intermediate: hosts that lose too much in one of these roles, the worst first, never
 * more than half of those there are. Leaving a courier shows on the wire, so this takes nothing into account but probes that
 * every slot makes, whatever it carries. Placement does not look at it: writer and reader must find the same replicas.
 */
export function excludedHosts(scores: Scores, hostKeys: readonly string[]): ReadonlySet<string> {
  const lossy = hostKeys
    .map((hostKey) => ({ hostKey, loss: worstLoss(scores.get(hostKey) ?? NO_SCORE) }))
    .filter(({ loss }) => loss > 0)
    .sort((a, b) => b.loss - a.loss)
  const most = Math.floor(hostKeys.length * EXCLUDED_SHARE_MAX)
  return new Set(lossy.slice(0, most).map(({ hostKey }) => hostKey))
}

/** All roles of one host together, for people to read. */
export function totalOf(scores: Scores, hostKey: string): Tally {
  const { courier, intermediate, replica } = scores.get(hostKey) ?? NO_SCORE
  return {
    probes: courier.probes + intermediate.probes + replica.probes,
    losses: courier.losses + intermediate.losses + replica.losses,
  }
}
