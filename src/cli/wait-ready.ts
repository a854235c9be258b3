/**
 * Tells each stage that tor and the couriers reach until messages can leave: nobody should wonder whether something is stuck.
 * Never causes a stage: it looks at the status again and again.
 * @module
 */
import type { RpcResult } from '../rpc/index.ts'
import type { RunContext } from './command.ts'
import { COURIER_STAGES, TOR_STAGES } from './commands/stages.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { shortId } from './names.ts'
import { neutralise, safeJson } from './text.ts'

type Status = RpcResult<'status'>

const LOOK_INTERVAL_MS = 250

/** Shows the status at the end. Exit code 0 when tor and, where hosts are known, a courier are ready; 1 when interrupted. */
export async function runWaitReady(context: RunContext): Promise<number> {
  const { client, io, json } = context
  const told = new Map<string, string>()
  while (!io.signal.aborted) {
    const status = await client.call('status', {})
    for (const [what, stage] of stages(status)) {
      if (told.get(what) === stage) continue
      told.set(what, stage)
      if (json) await io.err(`${safeJson({ what, stage })}\n`)
      else await io.err(`${what}: ${stage}\n`)
    }
    const hasHosts = (await client.call('listHosts', {})).length > 0
    if (isReady(status, hasHosts)) return context.once()
    await io.pause(LOOK_INTERVAL_MS)
  }
  return EXIT_CODES.failed
}

function isReady({ tor, mailbox }: Status, hasHosts: boolean): boolean {
  return tor.stage === 'ready' && (!hasHosts || mailbox.couriers.some(({ stage }) => stage === 'ready'))
}

function stages({ tor, mailbox }: Status): readonly (readonly [string, string])[] {
  const percent = tor.stage === 'bootstrapping' ? ` (${tor.bootstrapPercent} %, ${neutralise(tor.bootstrapTag)})` : ''
  return [
    ['tor', `${TOR_STAGES[tor.stage]}${percent}`],
    ...mailbox.couriers.map(({ hostKey, stage }) => [`courier ${shortId(hostKey)}`, COURIER_STAGES[stage]] as const),
  ]
}
