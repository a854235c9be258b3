/**
 * Reads how far tor is from its bootstrap reports.
 * Never passes on tor's free text: percent and a tag from a closed set only. Spec 07-tor §5.
 * @module
 */
import { parseKeyValues } from './control/index.ts'

export interface Bootstrap {
  readonly percent: number
  readonly tag: string
}

/** The tags of tor 0.4.9 (control-spec, bootstrap phases). */
const TAGS: ReadonlySet<string> = new Set([
  'starting',
  'conn_pt',
  'conn_done_pt',
  'conn_proxy',
  'conn_done_proxy',
  'conn',
  'conn_done',
  'handshake',
  'handshake_done',
  'onehop_create',
  'requesting_status',
  'loading_status',
  'loading_keys',
  'requesting_descriptors',
  'loading_descriptors',
  'enough_dirinfo',
  'ap_conn_pt',
  'ap_conn_done_pt',
  'ap_conn_proxy',
  'ap_conn_done_proxy',
  'ap_conn',
  'ap_conn_done',
  'ap_handshake',
  'ap_handshake_done',
  'circuit_create',
  'done',
])

/** From `NOTICE BOOTSTRAP PROGRESS=… TAG=…`, with or without more in front; undefined for anything else. */
export function parseBootstrap(text: string): Bootstrap | undefined {
  const parsed = parseKeyValues(text)
  const progress = parsed?.pairs.get('PROGRESS')
  if (parsed?.words.includes('BOOTSTRAP') !== true || progress === undefined) return undefined
  if (!/^(?:100|[0-9]{1,2})$/.test(progress)) return undefined
  const tag = parsed.pairs.get('TAG') ?? ''
  return { percent: Number(progress), tag: TAGS.has(tag) ? tag : 'unknown' }
}
