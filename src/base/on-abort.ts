/**
 * Waiting for one abort by many at once.
 * Never takes longer because others wait for the same signal.
 * @module
 */

interface Waiting {
  readonly listener: () => void
}

/** What waits for each signal, behind one listener of its own. */
const waitingFor = new WeakMap<AbortSignal, { readonly waiting: Set<Waiting>; readonly end: () => void }>()

const nothing = (): void => undefined

/**
 * Calls `listener` once when the signal is aborted, at once when it already is; the function that is returned takes it back.
 * A signal of the platform goes through all its listeners whenever one is added or taken away, and a host has thousands of
 * tasks that wait for one signal (measured: a third of its processor). The listener must not throw.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener()
    return nothing
  }
  const group = waitingFor.get(signal) ?? startGroup(signal)
  const entry: Waiting = { listener }
  group.waiting.add(entry)
  return () => {
    // Without a listener, a signal that depends on others can be collected.
    if (group.waiting.delete(entry) && group.waiting.size === 0) group.end()
  }
}

function startGroup(signal: AbortSignal) {
  const waiting = new Set<Waiting>()
  const end = (): void => {
    signal.removeEventListener('abort', abort)
    waitingFor.delete(signal)
  }
  const abort = (): void => {
    end()
    const all = [...waiting]
    waiting.clear()
    for (const { listener } of all) listener()
  }
  const group = { waiting, end }
  signal.addEventListener('abort', abort)
  waitingFor.set(signal, group)
  return group
}
