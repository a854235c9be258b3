/**
 * Optional features that a tor, or a filter in front of it, may refuse, and what is lost then. Spec 07-tor §6.
 * Never a reason to stop: everything else works on.
 * @module
 */

export const TOR_WARNINGS = {
  TOR_PROOF_OF_WORK_REFUSED: 'Onion services run without the proof-of-work defence against floods.',
  TOR_UPLOAD_EVENTS_REFUSED: 'Whether a descriptor is out cannot be seen; services count as published at once.',
  TOR_BOOTSTRAP_EVENTS_REFUSED: 'Progress of bootstrapping is asked for at intervals instead of being told.',
  TOR_BOOTSTRAP_UNKNOWN: 'Progress of bootstrapping cannot be seen; tor counts as ready.',
  TOR_CLIENT_AUTHORIZATION_REFUSED: 'Contacts whose services want client authorisation cannot be dialled.',
  TOR_ADD_ONION_REFUSED: 'An onion service cannot be published; it is tried again at intervals.',
} as const

export type TorWarning = keyof typeof TOR_WARNINGS
