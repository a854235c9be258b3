/**
 * What a method of the RPC is: its name, its description, and what it does with the messenger.
 * Never reached with parameters that do not fit their schema. Spec 08-rpc §3.
 * @module
 */
import type { Messenger } from '../messenger/index.ts'
import type { JsonSchema, Schema } from './schema/index.ts'

/**
 * What a call may cause on the network, whenever that happens; its reply never waits for it.
 * `none`: nothing. `slot`: content rides in slots that leave anyway. `live`: an onion service or a connection to a
 * contact is opened or closed, which the guard can see.
 */
export type NetworkUse = 'none' | 'slot' | 'live'

/** What methods about the daemon itself may ask for. */
export interface ServerFace {
  readonly version: string
  uptimeMs(): number
  /** Stops the daemon once the reply of this call has been handed over. */
  requestShutdown(): void
  /** The OpenRPC document of everything that this server offers. */
  discover(): JsonSchema
}

/** The subscriptions of the connection that a call came through. */
export interface SubscriptionFace {
  /** Events after `after` follow the reply of this call. @throws {AppError} `RPC_TOO_MANY_SUBSCRIPTIONS` */
  open(after: number): number
  /** False when there is none with this number. */
  close(subscription: number): boolean
}

/** What the host role of this daemon shows to its operator. */
export interface HostRoleStats {
  /** The `noctule-host:` URI that others begin with. */
  readonly host: string
  readonly hostKey: string
  readonly published: boolean
  readonly startedAtMs: number
  readonly boxes: number
  readonly boxBytes: number
  readonly quotaBytes: number
  readonly tombstones: number
  readonly hosts: number
  readonly tableRoot: string
  readonly courierSessions: number
  readonly stored: number
  readonly conflicts: number
  readonly refusedFull: number
  readonly fetched: number
  readonly missed: number
  readonly relayed: number
  readonly expired: number
  readonly repaired: number
}

/** The host role, where the daemon has it. */
export interface HostFace {
  stats(): HostRoleStats
  /** Joins through this host too. The form of the URI was checked. Durable when it resolves. */
  addHost(uri: string): Promise<void>
}

export interface MethodContext {
  /** Undefined without the host role. */
  readonly host: HostFace | undefined
  readonly messenger: Messenger
  readonly server: ServerFace
  readonly subscriptions: SubscriptionFace
}

export interface MethodDefinition<Name extends string, Params, Result> {
  readonly name: Name
  /** One sentence: what holds when the reply has come. */
  readonly summary: string
  readonly network: NetworkUse
  readonly params: Schema<Params>
  readonly result: Schema<Result>
  /** Codes that are this method's own; any method may also fail with the general ones. */
  readonly errors: readonly string[]
  readonly example: { readonly params: Params; readonly result: Result }
  handler(context: MethodContext, params: Params): Result | Promise<Result>
}

/** Checks by type that handler, schemas and example agree. */
export function defineMethod<const Name extends string, Params, Result>(
  definition: MethodDefinition<Name, Params, Result>,
): MethodDefinition<Name, Params, Result> {
  return definition
}
