/**
 * Asks tor for the events and the bootstrap state that we show, and makes do with what a filter leaves.
 * Never fails because something optional was refused: it says so as a warning. Spec 07-tor §5.2.
 * @module
 */
import type { Bootstrap } from './bootstrap.ts'
import { parseBootstrap } from './bootstrap.ts'
import type { ControlConnection } from './control/index.ts'
import type { TorWarning } from './warnings.ts'

export interface Subscription {
  readonly statusEvents: boolean
  readonly uploadEvents: boolean
}

/** SETEVENTS fails as a whole when a filter forbids one event; then each is asked for alone. */
export async function subscribe(
  control: ControlConnection,
  warn: (warning: TorWarning) => void,
): Promise<Subscription> {
  const accepts = async (events: string): Promise<boolean> =>
    (await control.request(`SETEVENTS ${events}`)).status === 250
  if (await accepts('STATUS_CLIENT HS_DESC')) return { statusEvents: true, uploadEvents: true }
  // Publication can be seen in no other way, bootstrapping can be asked for: so uploads come first.
  const uploadEvents = await accepts('HS_DESC')
  const statusEvents = !uploadEvents && (await accepts('STATUS_CLIENT'))
  if (!uploadEvents) warn('TOR_UPLOAD_EVENTS_REFUSED')
  if (!statusEvents) warn('TOR_BOOTSTRAP_EVENTS_REFUSED')
  return { statusEvents, uploadEvents }
}

/** How far tor is; undefined when it may not or does not say. */
export async function askBootstrap(control: ControlConnection): Promise<Bootstrap | undefined> {
  const reply = await control.request('GETINFO status/bootstrap-phase')
  const text = reply.lines[0]?.text ?? ''
  const prefix = 'status/bootstrap-phase='
  return reply.status === 250 && text.startsWith(prefix) ? parseBootstrap(text.slice(prefix.length)) : undefined
}
