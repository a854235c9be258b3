/**
 * Says in words what the hosts that are known can promise, and what they cannot.
 * Never better than the figures: where roles fall together it says so. Spec 03-mailbox §8.
 * @module
 */
import type { MailboxStatus } from '../messenger/index.ts'

/** From this many hosts on, an intermediate keeps none of the boxes that it asks for: eight replicas, it and a courier. */
const INTERMEDIATE_APART_COUNT = 10

/** Two sentences or three, for people; equal for equal figures. */
export function describeGuarantee(status: Pick<MailboxStatus, 'hosts' | 'replicas' | 'quorum' | 'separation'>): string {
  switch (status.separation) {
    case 'none':
      return 'No hosts are known: messages travel only while both sides are online. Add one with `addHost`, or accept an invite that names some.'
    case 'single':
      return 'One host is courier, intermediate and store: it can tell which boxes one anonymous connection writes and reads, but not what is in them or whose they are. When it is gone, so is what waits there.'
    case 'partial':
      return `${status.hosts} hosts: some roles fall together, so that one of them may see both an anonymous connection and the boxes behind it. ${copies(status)}`
    case 'full': {
      const near =
        status.hosts < INTERMEDIATE_APART_COUNT ? ', though an intermediate may keep the box that it asks for' : ''
      return `${status.hosts} hosts: courier, intermediate and store are different hosts${near}. ${copies(status)}`
    }
  }
}

function copies({ hosts, replicas, quorum }: Pick<MailboxStatus, 'hosts' | 'replicas' | 'quorum'>): string {
  const where = replicas === hosts ? `all ${replicas}` : `${replicas}`
  return `A message waits at ${where} of them, and is called stored once ${quorum} have signed for it.`
}
