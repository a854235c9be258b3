/**
 * Finds the contact, invite or request that somebody means by an alias, an id or the beginning of one.
 * Never picks one of several.
 * @module
 */
import type { RpcClient, RpcResult } from '../rpc/index.ts'
import { cliError } from './errors.ts'
import { neutralise } from './text.ts'

export type Contact = RpcResult<'listContacts'>[number]

const SHORT_ID_LENGTH = 8
const ID_PREFIX = /^[0-9a-f]{1,32}$/

export interface Named {
  readonly id: string
  /** What its owner calls it. */
  readonly name: string | undefined
}

export type FoundName = { readonly found: Named } | { readonly found: undefined; readonly ambiguous: boolean }

/** The whole id goes before the name, and the name before the beginning of an id. */
export function findByName(things: readonly Named[], typed: string): FoundName {
  const whole = things.find(({ id }) => id === typed)
  if (whole !== undefined) return { found: whole }
  const called = things.filter(({ name }) => name === typed)
  const begun = ID_PREFIX.test(typed) ? things.filter(({ id }) => id.startsWith(typed)) : []
  const candidates = called.length > 0 ? called : begun
  const [first] = candidates
  return first !== undefined && candidates.length === 1
    ? { found: first }
    : { found: undefined, ambiguous: candidates.length > 1 }
}

export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_LENGTH)
}

/** What to call it in front of the user. */
export function displayName(thing: Named): string {
  return thing.name === undefined ? shortId(thing.id) : neutralise(thing.name)
}

export function namedContact(contact: Contact): Named {
  return { id: contact.contactId, name: contact.alias }
}

/** Parameters that name something on this machine: how to list the candidates, and what to say when none fits. */
const REFERENCES = {
  recipient: {
    unknown: 'CLI_CONTACT_UNKNOWN',
    list: async (client: RpcClient) => (await client.call('listContacts', {})).map(namedContact),
  },
  inviteId: {
    unknown: 'CLI_INVITE_UNKNOWN',
    list: async (client: RpcClient) =>
      (await client.call('listInvites', {})).map(({ inviteId, label }) => ({ id: inviteId, name: label })),
  },
  requestId: {
    unknown: 'CLI_REQUEST_UNKNOWN',
    list: async (client: RpcClient) =>
      (await client.call('listRequests', {})).map(({ requestId }) => ({ id: requestId, name: undefined })),
  },
} as const

/**
 * The parameters with ids in the place of names, and what to call the thing that they name.
 * @throws {AppError} `CLI_CONTACT_UNKNOWN`, `CLI_INVITE_UNKNOWN`, `CLI_REQUEST_UNKNOWN`, `CLI_NAME_AMBIGUOUS`
 */
export async function resolveNames(
  client: RpcClient,
  params: Readonly<Record<string, unknown>>,
): Promise<{ readonly params: Readonly<Record<string, unknown>>; readonly subject: string }> {
  for (const [parameter, reference] of Object.entries(REFERENCES)) {
    const typed = params[parameter]
    if (typeof typed !== 'string') continue
    const result = findByName(await reference.list(client), typed)
    if (result.found === undefined) throw cliError(result.ambiguous ? 'CLI_NAME_AMBIGUOUS' : reference.unknown)
    const found = { ...params, [parameter]: result.found.id }
    return { params: await resolveMessage(client, found), subject: displayName(result.found) }
  }
  return { params, subject: '' }
}

const POSITION = /^#?([1-9][0-9]{0,14})$/
const MESSAGE_ID_LENGTH = 32

/** The parameters with the id of a message in the place of its position. @throws {AppError} `CLI_MESSAGE_UNKNOWN` */
async function resolveMessage(
  client: RpcClient,
  params: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const { recipient, messageId: typed } = params
  if (typeof typed !== 'string' || typeof recipient !== 'string' || typed.length === MESSAGE_ID_LENGTH) return params
  const position = Number(POSITION.exec(typed)?.[1] ?? Number.NaN)
  const { messages } = Number.isNaN(position)
    ? { messages: [] }
    : await client.call('listMessages', { recipient, before: position + 1, limit: 1 })
  const [message] = messages
  if (message?.position !== position) throw cliError('CLI_MESSAGE_UNKNOWN')
  return { ...params, messageId: message.messageId }
}
