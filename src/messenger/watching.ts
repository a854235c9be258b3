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
  const firsts = new Set<number>()
  for (const { boxId, chain, place } of isLive(context, entry) ? wantedBoxes(entry.sequences) : []) {
    const id = hexEncode(boxId)
    // The lowest that a chain still lacks: what comes next, unless it was lost.
    const next = place !== 'past' && !firsts.has(chain)
    firsts.add(chain)
    wanted.add(id)
    if (entry.watched.has(id) && entry.nexts.has(id) === next) continue
    entry.watched.add(id)
    if (next) entry.nexts.add(id)
    else entry.nexts.delete(id)
    watchBox(context, boxId, { kind: 'conversation', entry }, place !== 'past', next)
  }
  for (const id of entry.watched) {
    if (wanted.has(id)) continue
    entry.watched.delete(id)
    entry.nexts.delete(id)
    unwatchBox(context, hexDecode(id) ?? new Uint8Array())
  }
}

export function watchBox(context: Context, boxId: Uint8Array, watcher: BoxWatcher, hot: boolean, next = hot): void {
  context.watchers.set(hexEncode(boxId), watcher)
  context.mailbox.watch(boxId, { hot, next })
}

export function unwatchBox(context: Context, boxId: Uint8Array): void {
  context.watchers.delete(hexEncode(boxId))
  context.mailbox.unwatch(boxId)
}
