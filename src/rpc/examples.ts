/**
 * Values that the examples of several methods share, so that the documents tell one story.
 * Never anything real.
 * @module
 */
export const CONTACT_ID = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'
export const INVITE_ID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90'
export const REQUEST_ID = '99887766554433221100ffeeddccbbaa'
export const MESSAGE_ID = '5a3c9e1f7b2d48060a1b2c3d4e5f6071'
export const IDENTITY = '7d'.repeat(32)
export const SAFETY_NUMBER = '03927 11853 40028 77316 92050 16644 58213 09977 31415 26535 89793 23846'
export const INVITE_URI = 'noctule:aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaib'
export const HOST_KEY = '5e'.repeat(32)
export const TABLE_ROOT = 'c4'.repeat(32)
export const HOST_URI = 'noctule-host:aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaib'
export const TIME_MS = 1_795_000_000_000
export const DAY_MS = 86_400_000

export const INVITE = {
  inviteId: INVITE_ID,
  state: 'active',
  createdAtMs: TIME_MS,
  expiresAtMs: TIME_MS + 14 * DAY_MS,
  label: 'for Bob',
  published: false,
  rendezvous: false,
} as const

export const CONTACT = {
  contactId: CONTACT_ID,
  state: 'active',
  alias: 'Bob',
  identity: IDENTITY,
  safetyNumber: SAFETY_NUMBER,
  createdAtMs: TIME_MS,
  laneOpen: true,
  live: { state: 'open', untilMs: TIME_MS + 3_600_000 },
  queuedMessages: 0,
  readUpTo: 0,
  receipts: { delivery: true, read: false },
} as const

export const ATTACHMENT = { name: 'photo.jpeg', mimeType: 'image/jpeg', bytes: 3_500_000 } as const

export const HOST = {
  hostKey: HOST_KEY,
  kind: 'listed',
  firstSeenAtMs: TIME_MS,
  expiresAtMs: TIME_MS + 2 * DAY_MS,
  capacityMib: 4_096,
  probes: 120,
  losses: 1,
  excluded: false,
  courier: true,
} as const
