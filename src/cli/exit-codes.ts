/**
 * What the exit status of a command means.
 * Never changes between releases: scripts rely on it. Spec 08-rpc §7.
 * @module
 */
export const EXIT_CODES = {
  ok: 0,
  /** The daemon or the command line refused for a reason that lasts. */
  failed: 1,
  /** The command line has a mistake. */
  usage: 2,
  /** No daemon answers, or it went away. */
  unreachable: 3,
  /** Refused for now: the same command may succeed later. */
  tryLater: 4,
} as const
