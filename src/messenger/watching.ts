/**
 * Which boxes the mailbox client looks for on behalf of a contact.
 * Never tells the client whose they are; it knows ids. Spec 03-mailbox §7.2.
 * @module
 */
import { hexDecode, hexEncode } from '../base/index.ts'
import { wantedBoxes } from '../mailbox/index.ts'
import { type BoxWatcher, type ContactEntry, type Context, isLive } from './context.ts'

/** Looks for the boxes that the sequences want now, and for no others of this contact. */
export function watchBoxes(context: Context, entry: ContactEntry): void {
  const wanted = new Set<string>()
  // Somebody who was removed is not looked for; somebody who is blocked is, so that nothing shows the block.
  for (const { boxId, place } of isLive(context, entry) ? wantedBoxes(entry.sequences) : []) {
    const id = hexEncode(boxId)
    wanted.add(id)
    if (entry.watched.has(id)) continue
    entry.watched.add(id)
    watchBox(context, boxId, { kind: 'conversation', entry }, place !== 'past')
  }
  for (const id of entry.watched) {
    if (wanted.has(id)) continue
    entry.watched.delete(id)
    unwatchBox(context, hexDecode(id) ?? new Uint8Array())
  }
}

export function watchBox(context: Context, boxId: Uint8Array, watcher: BoxWatcher, hot: boolean): void {
  context.watchers.set(hexEncode(boxId), watcher)
  context.mailbox.watch(boxId, { hot })
}

export function unwatchBox(context: Context, boxId: Uint8Array): void {
  context.watchers.delete(hexEncode(boxId))
  context.mailbox.unwatch(boxId)
}
