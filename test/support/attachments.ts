/**
 * Two messengers that send each other files through boxes, in virtual time.
 * Never looks into the messengers: what is stored and shown is what counts.
 * @module
 */
import assert from 'node:assert/strict'
import { MINUTE_MS } from '../../src/base/index.ts'
import type { AttachmentInfo, MessengerEventBody } from '../../src/messenger/index.ts'
import { createSeededRandom } from './seeded-random.ts'
import { createWorld, pairUp, type World } from './world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]
export const NAMES = ['alice', 'bob'] as const
export type Name = (typeof NAMES)[number]

export interface FilePair {
  readonly world: World
  /** Alice's contact id for Bob, and his for her. */
  readonly ids: Readonly<Record<Name, string>>
}

/** Alice and Bob are contacts of each other. */
export async function withFilePair(body: (pair: FilePair) => Promise<void>): Promise<void> {
  const world = await createWorld(NAMES, { hosts: HOSTS })
  try {
    const ids = await pairUp(world, 'alice', 'bob')
    await body({ world, ids })
    assert.deepEqual(world.failures, [])
  } finally {
    await world.stop()
  }
}

export function fileOf(bytes: number, seed = 1): Uint8Array {
  return createSeededRandom(seed).bytes(bytes)
}

/** Sends these bytes from a file that is gone at once. Gives the id of the message. */
export async function sendBytes(
  { world, ids }: FilePair,
  name: Name,
  bytes: Uint8Array,
  fileName = 'photo.jpeg',
): Promise<string> {
  const path = `/home/${name}/${fileName}`
  world.files(name).contents.set(path, bytes)
  try {
    return (await world.messenger(name).sendAttachment({ contactId: ids[name], path })).messageId
  } finally {
    world.files(name).contents.delete(path)
  }
}

export interface ShownFile extends AttachmentInfo {
  readonly messageId: string
  readonly direction: 'sent' | 'received'
}

/** Every file that this member is shown, oldest first. */
export async function shownFiles({ world, ids }: FilePair, name: Name): Promise<readonly ShownFile[]> {
  const messages = await world.messenger(name).listMessages({ contactId: ids[name], limit: 500 })
  return messages.flatMap(({ attachment, messageId, direction }) =>
    attachment === undefined ? [] : [{ ...attachment, messageId, direction }],
  )
}

export async function statesOf(pair: FilePair, name: Name): Promise<readonly string[]> {
  return (await shownFiles(pair, name)).map(({ transfer }) => transfer.state)
}

const STEP_MS = 4 * MINUTE_MS

/** Lets time pass until the condition holds. */
export async function passUntil(
  { world }: FilePair,
  what: string,
  condition: () => Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const endMs = world.clock.nowMs() + limitMs
  while (!(await condition())) {
    assert.ok(world.clock.nowMs() < endMs, `${what} did not happen`)
    await world.clock.advance(STEP_MS)
  }
}

/** Until all files that this member is shown are in this state, and there is one. */
export function untilAll(pair: FilePair, name: Name, state: string, limitMs: number): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const states = await statesOf(pair, name)
    return states.length > 0 && states.every((each) => each === state)
  }
  return passUntil(pair, `${name}: ${state}`, isThere, limitMs)
}

/** Saves a file and gives what was written. */
export async function savedBytes(pair: FilePair, name: Name, messageId: string): Promise<Uint8Array | undefined> {
  const { world, ids } = pair
  const path = `/home/${name}/saved`
  await world.messenger(name).saveAttachment({ contactId: ids[name], messageId, path })
  const bytes = world.files(name).contents.get(path)
  world.files(name).contents.delete(path)
  assert.equal(world.files(name).openCount(), 0, 'a file was left open')
  return bytes
}

/** Rows of chunks in this member's store. */
export function chunkRows({ world }: FilePair, name: Name): number {
  return world.storedKeys(name, 'attachment-chunk\0').length
}

/** All rows of files but the note of what is to be deleted. */
export function fileRows({ world }: FilePair, name: Name): readonly string[] {
  return world.storedKeys(name, 'attachment').filter((key) => !key.startsWith('attachment-trash\0'))
}

export type AttachmentEvent = Extract<MessengerEventBody, { type: 'attachment' }>

export async function attachmentEvents({ world }: FilePair, name: Name): Promise<readonly AttachmentEvent[]> {
  const events: AttachmentEvent[] = []
  for (let after = 0; ; ) {
    const page = await world.messenger(name).readEvents({ after, limit: 500 })
    for (const { body } of page) if (body.type === 'attachment') events.push(body)
    const last = page.at(-1)
    if (last === undefined) return events
    after = last.seq
  }
}
