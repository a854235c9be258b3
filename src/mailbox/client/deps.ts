/**
 * What the mailbox client is made of.
 * Never two streams of randomness in one: times and couriers must not depend on what is sent. Spec 03-mailbox §4.
 * @module
 */
import { ed25519PublicKey, KEY_BYTES, randomBytes } from '../../crypto/index.ts'
import type { TrafficMeter } from '../../padding/index.ts'
import type { Clock, KeyValueStore, Logger, Random, RecordNetwork } from '../../ports/index.ts'
import type { MailboxOwner } from '../api.ts'
import { type BoxKeys, deriveBoxKeys, openBox, sealBox, signTombstone, verifyBox } from '../box-keys.ts'
import { checkHostDescriptor } from '../host-descriptor.ts'
import type { MailboxParameters } from '../options.ts'
import { countReceipts } from '../receipt.ts'
import { openReply, readCheckReply, sealRequest } from '../sealed-request.ts'
import { mintSessionWork } from '../work.ts'

/** The functions whose cost or verdict tests replace; everybody else leaves them alone. */
export interface ClientFunctions {
  readonly mintSessionWork: typeof mintSessionWork
  readonly checkHostDescriptor: typeof checkHostDescriptor
  readonly countReceipts: typeof countReceipts
  readonly sealRequest: typeof sealRequest
  readonly openReply: typeof openReply
  readonly readCheckReply: typeof readCheckReply
  readonly verifyBox: typeof verifyBox
  readonly sealBox: typeof sealBox
  readonly openBox: typeof openBox
  readonly signTombstone: typeof signTombstone
  /** For a box to ourselves. */
  readonly createLoopKeys: () => BoxKeys
  /** An id that nobody has, and that could be a box's. */
  readonly createDummyId: () => Uint8Array
}

export const CLIENT_FUNCTIONS: ClientFunctions = {
  mintSessionWork,
  checkHostDescriptor,
  countReceipts,
  sealRequest,
  openReply,
  readCheckReply,
  verifyBox,
  sealBox,
  openBox,
  signTombstone,
  createLoopKeys: () => deriveBoxKeys(randomBytes(KEY_BYTES)),
  // A point of the curve, as box ids are: half of all random bytes would not be.
  createDummyId: () => ed25519PublicKey(randomBytes(KEY_BYTES)),
}

/** What dialling one courier takes. */
export interface CourierDeps {
  readonly clock: Clock
  /** Draws times and couriers, a fixed number of draws for each: nothing that depends on what is sent. */
  readonly random: Random
  readonly logger: Logger
  readonly network: RecordNetwork
  readonly parameters: MailboxParameters
  /** Told of each record; nothing is counted without it. */
  readonly traffic?: Pick<TrafficMeter, 'note'>
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
