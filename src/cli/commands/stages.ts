/**
 * What the stages of tor and of couriers are called in front of people.
 * Never a stage that the daemon does not name.
 * @module
 */
export const TOR_STAGES = {
  stopped: 'stopped',
  searching: 'looking for a running tor',
  launching: 'starting our own tor',
  authenticating: 'signing in to tor',
  bootstrapping: 'connecting to the Tor network',
  ready: 'connected to the Tor network',
  lost: 'connection to tor lost, trying again',
  missing: 'no tor found; install it, it is looked for again at intervals',
} as const

export const COURIER_STAGES = {
  working: 'working out the proof that it asks for',
  connecting: 'connecting',
  opening: 'connected, opening',
  ready: 'ready',
  failed: 'failed, trying another',
} as const
