/**
 * Says in words what a profile protects against and what it does not, and what an estimate cannot know.
 * Never more than the threat model claims. METADATA §3.6, docs/threat-model.md, spec 02-padding §7.
 * @module
 */
import type { ProfileName, SendEstimate } from '../messenger/index.ts'

const PROTECTION: Readonly<Record<ProfileName, string>> = {
  low: 'Hides from whoever watches your line, from hosts and from contacts when and how much you write; it does not resist an observer of the whole network, whom such rare slots tell within days who writes to whom, in a small network within hours.',
  balanced:
    'Hides from whoever watches your line, from hosts and from contacts when and how much you write; an observer of the whole network who runs hosts too is slowed down, more the more people take part, and not stopped.',
  fast: 'Hides what balanced hides, for more bytes: shorter delays, and more cover against an observer of the whole network, who is slowed down and not stopped.',
  paranoid:
    'Hides what balanced hides, with slots that have no memory and longer random delays at couriers, against hosts that work together; further mixes on the way are not built yet, and an observer of the whole network is slowed down, not stopped.',
  manual:
    'Nothing leaves unless you sync, so no stranger can make it send, and a sync is the same whatever waits; that you sync, and when, is seen by whoever watches your line, and tells more the more often you do.',
}

/** One sentence, for people. */
export function describeProtection(name: ProfileName): string {
  return PROTECTION[name]
}

/** What no figure of traffic holds. */
export const TRAFFIC_NOTICE =
  'Bytes of records on the link to the guard, computed from their number. What tor needs for itself (padding, directory, circuits), a rendezvous of an invite, and a host role of this daemon are not in it.'

export const PROFILE_NOTICE =
  'A change takes effect at a random time within six hours, so that its moment shows nothing; the new rhythm itself is seen by whoever watches your line. Nothing ever adapts to what you do.'

export const SYNC_NOTICE =
  'The sync is seen by whoever watches your line. It has the same slots whatever waits; what they do not reach waits for the next one.'

const OTHERS = 'while the contact is online with the same profile as yours, and nothing fails'

/** What the figures of an estimate rest on, for people. */
export function describeEstimate(
  estimate: Pick<SendEstimate, 'via' | 'delivered' | 'syncs'>,
  what: 'text' | 'file',
): string {
  switch (estimate.via) {
    case 'live':
      return estimate.delivered === undefined
        ? 'No hosts are known: it waits until a lane to the contact is open, and nobody knows when.'
        : 'Straight to the contact while the lane is open; no host keeps it.'
    case 'manual': {
      const { ours, theirs } = estimate.syncs ?? { ours: 1, theirs: 1 }
      return `Nothing leaves until you sync: ${syncs(ours)} of yours, and ${syncs(theirs)} of the contact after that if it has this profile too.`
    }
    case 'slots':
      return what === 'file'
        ? `An estimate ${OTHERS}: it leaves in slots that messages do not need and in bulk windows, and hosts keep each piece for 14 days.`
        : `An estimate ${OTHERS}: nobody knows the slots of others.`
  }
}

function syncs(count: number): string {
  return count === 1 ? 'one sync' : `${count} syncs`
}
