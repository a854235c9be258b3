/**
 * Front ends of the subject: they come over its socket, ask, listen, and go, with a word or without.
 * Never anything but the RPC: what a user cannot ask for is not asked.
 * @module
 */
import { AppError } from '../../../src/base/index.ts'
import type { RpcClient, RpcMethodName, RpcParams, RpcResult } from '../../../src/rpc/index.ts'
import type { TwinNode } from './node.ts'

export interface FrontEnds {
  /** Undefined when the daemon refused; every refusal is counted by its code. */
  call<Name extends RpcMethodName>(method: Name, params: RpcParams<Name>): Promise<RpcResult<Name> | undefined>
  /** Another front end takes over; the last one hangs up. */
  restart(): Promise<void>
  readonly refusals: ReadonlyMap<string, number>
  readonly calls: () => number
  readonly restarts: () => number
  readonly notifications: () => number
  close(): Promise<void>
}

export async function openFrontEnds(node: TwinNode): Promise<FrontEnds> {
  const refusals = new Map<string, number>()
  let calls = 0
  let restarts = -1
  let notifications = 0
  let client: RpcClient | undefined

  const ends: FrontEnds = {
    refusals,
    calls: () => calls,
    restarts: () => restarts,
    notifications: () => notifications,
    async call(method, params) {
      calls += 1
      try {
        return await client?.call(method, params)
      } catch (error: unknown) {
        if (!(error instanceof AppError)) throw error
        refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1)
        return undefined
      }
    },
    async restart() {
      await client?.close()
      restarts += 1
      client = await node.connect()
      client.onNotification(() => {
        notifications += 1
      })
      await client.call('subscribeReceive', { client: `front-end-${restarts % 3}` })
    },
    close: async () => client?.close(),
  }
  await ends.restart()
  return ends
}
