/**
 * Names of stored things that belong to one contact.
 * Never shown or sent; the store hashes them. Spec 10-messenger §2.
 * @module
 */

/** The key of something that belongs to one contact. */
export function contactKey(contactId: string, part: string | number): string {
  return `${contactId}/${part}`
}
