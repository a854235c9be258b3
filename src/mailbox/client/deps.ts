/**
 * What the mailbox client is made of.
 * Never two streams of randomness in one: times and couriers must not depend on what is sent. Spec 03-mailbox §4.
 * @module
 */
import type { Clock, KeyValueStore, Logger, Random, RecordNetwork } from '../../ports/index.ts'
import type { MailboxOwner } from '../api.ts'
import { checkHostDescriptor } from '../host-descriptor.ts'
import type { MailboxParameters } from '../options.ts'
import { countReceipts } from '../receipt.ts'
import { mintSessionWork } from '../work.ts'

/** The functions whose cost or verdict tests replace; everybody else leaves them alone. */
export interface ClientFunctions {
  readonly mintSessionWork: typeof mintSessionWork
  readonly checkHostDescriptor: typeof checkHostDescriptor
  readonly countReceipts: typeof countReceipts
}

export const CLIENT_FUNCTIONS: ClientFunctions = { mintSessionWork, checkHostDescriptor, countReceipts }

/** What dialling one courier takes. */
export interface CourierDeps {
  readonly clock: Clock
  /** Draws times and couriers, a fixed number of draws for each: nothing that depends on what is sent. */
  readonly random: Random
  readonly logger: Logger
  readonly network: RecordNetwork
  readonly parameters: MailboxParameters
  /** Default: `CLIENT_FUNCTIONS`. */
  readonly functions?: ClientFunctions
}

export interface MailboxClientDeps extends CourierDeps {
  readonly store: KeyValueStore
  readonly owner: MailboxOwner
  /** Draws intermediates, ranks, dummies and rests. Default: `random`; a second seeded one where runs are compared. */
  readonly contentRandom?: Random
  /** A bug: the client cannot go on. */
  readonly onFailure: (error: unknown) => void
}
