/**
 * Limits of the ratchet.
 * Never negotiated: both sides of a session keep the same numbers. CRYPTO §2d, spec 04-session §6.
 * @module
 */
import { DAY_MS } from '../base/index.ts'

export const SESSION_LIMITS = {
  /** Message keys derived ahead in one step. OMEMO has the same number; bounds the work one envelope can cause. */
  skipPerStep: 1_000,
  /** Skipped message keys kept per session, oldest dropped first. As libsignal; 88 KB of state at most. */
  storedSkippedKeys: 2_000,
  /** How long a skipped message key waits for its envelope. */
  skippedKeyLifetimeMs: 30 * DAY_MS,
  /** Former receive header keys tried for late envelopes; with the current and the next one at most 7 trial openings. */
  pastChains: 5,
} as const
