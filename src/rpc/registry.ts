/**
 * The one list of methods: validation, documents, the typed client and the commands all come from it.
 * Never filled at run time. Spec 08-rpc §3.
 * @module
 */
import type { MethodDefinition } from './method.ts'
import {
  acceptInvite,
  acceptRequest,
  acknowledge,
  addHost,
  block,
  cancelAttachment,
  createInvite,
  discover,
  downloadAttachment,
  estimateSend,
  getProfile,
  getTraffic,
  hostStats,
  listContacts,
  listHosts,
  listInvites,
  listMessages,
  listRequests,
  markRead,
  previewInvite,
  rejectRequest,
  removeContact,
  revokeInvite,
  saveAttachment,
  send,
  sendAttachment,
  setLive,
  setProfile,
  setReceipts,
  shutdown,
  status,
  subscribeReceive,
  sync,
  unblock,
  unsubscribeReceive,
  version,
} from './methods/index.ts'

/** In the order of the documents. */
export const METHODS = [
  version,
  status,
  createInvite,
  previewInvite,
  acceptInvite,
  listInvites,
  revokeInvite,
  listRequests,
  acceptRequest,
  rejectRequest,
  listContacts,
  removeContact,
  block,
  unblock,
  setReceipts,
  setLive,
  send,
  sendAttachment,
  downloadAttachment,
  saveAttachment,
  cancelAttachment,
  listMessages,
  markRead,
  subscribeReceive,
  unsubscribeReceive,
  acknowledge,
  estimateSend,
  getProfile,
  setProfile,
  sync,
  getTraffic,
  listHosts,
  addHost,
  hostStats,
  shutdown,
  discover,
] as const

/** A method whose types are known to its own definition only. */
export type AnyMethod = MethodDefinition<string, unknown, unknown>

type MethodTypes = {
  readonly [M in (typeof METHODS)[number] as M['name']]: M extends MethodDefinition<string, infer Params, infer Result>
    ? { readonly params: Params; readonly result: Result }
    : never
}

export type RpcMethodName = keyof MethodTypes
export type RpcParams<Name extends RpcMethodName> = MethodTypes[Name]['params']
export type RpcResult<Name extends RpcMethodName> = MethodTypes[Name]['result']

const BY_NAME: ReadonlyMap<string, AnyMethod> = new Map(METHODS.map((method) => [method.name, method as AnyMethod]))

/** The method that a foreign text names, if any. */
export function findMethod(name: string): AnyMethod | undefined {
  return BY_NAME.get(name)
}
