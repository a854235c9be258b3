/**
 * A contact in the form that JSON has.
 * Never tells more than the messenger does.
 * @module
 */
import type { ContactInfo } from '../messenger/index.ts'
import { type Defined, withoutUndefined } from './defined.ts'

type ContactResult = Defined<Omit<ContactInfo, 'live'>> & { readonly live: Defined<ContactInfo['live']> }

export function contactResult(info: ContactInfo): ContactResult {
  const { live, ...rest } = info
  return { ...withoutUndefined(rest), live: withoutUndefined(live) }
}
