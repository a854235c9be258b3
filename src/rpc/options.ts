/**
 * The bounds of the RPC, each with its reason.
 * Never a setting that changes what leaves over the network: everything here is local. Spec 08-rpc §6.
 * @module
 */

export interface RpcLimits {
  /** Longest line that is read, without its line feed. Longer ones are skipped and answered with an error. */
  readonly lineBytes: number
  /** Longest batch; longer ones are refused whole. */
  readonly batchCount: number
  /** Reply bytes of one batch after which the rest of the batch is refused unexecuted. */
  readonly batchReplyBytes: number
  /** Clients at the same time; each costs a file descriptor and its buffers. */
  readonly connectionCount: number
  /** Lines of one client being worked on; further ones stay in the socket. */
  readonly inFlightCount: number
  /** Bytes waiting for one client beyond which nothing more is read from it nor from the event log for it. */
  readonly outboundBytes: number
  readonly subscriptionCount: number
  /** Events taken out of the log at once for one subscription. */
  readonly eventsPerReadCount: number
  /** How long `stop` waits for running requests and for clients to take their replies. */
  readonly stopGraceMs: number
}

/** Guessed, except where a sentence says otherwise. */
export const RPC_LIMITS: RpcLimits = {
  // The longest message and the longest batch in use are far below it; the largest reply of our own is of its order.
  lineBytes: 1_048_576,
  batchCount: 100,
  batchReplyBytes: 4_194_304,
  connectionCount: 32,
  inFlightCount: 32,
  outboundBytes: 1_048_576,
  subscriptionCount: 16,
  eventsPerReadCount: 32,
  // The whole daemon has 5 s to stop; the messenger and the store need most of them.
  stopGraceMs: 1_000,
}

/** Text bytes of one `listMessages` reply; older messages are left for the next page. Keeps a reply near one line bound. */
export const LIST_REPLY_TEXT_BYTES = 1_048_576

/** Longest line that the client side takes from a daemon: the largest batch reply and room. */
export const CLIENT_LINE_BYTES = 16_777_216
