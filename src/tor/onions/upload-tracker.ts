/**
 * Counts the uploads of one service's descriptors until all that were asked for are answered.
 * Never relies on directory names: filters redact them (PEERS §4.5). Spec 07-tor §4.
 * @module
 */
import type { ControlEvent } from '../control/index.ts'

export interface UploadEvent {
  readonly action: 'CREATED' | 'UPLOAD' | 'UPLOADED' | 'FAILED'
  /** 56 characters as tor wrote them. */
  readonly address: string
  /** Which of the service's descriptors; undefined where tor does not say or a filter cut it off. */
  readonly descriptor: string | undefined
}

/** Where the descriptor stands among the words, by action. UPLOADED does not name it. */
const DESCRIPTOR_WORD = { CREATED: 4, UPLOAD: 4, UPLOADED: undefined, FAILED: 4 } as const
/** What filters put in place of a directory or a descriptor. */
const REDACTED = 'redacted'

/** The events about own descriptors among the `HS_DESC` events; undefined for the others (fetching). */
export function parseUploadEvent(event: ControlEvent): UploadEvent | undefined {
  if (event.name !== 'HS_DESC') return undefined
  const words = event.text.split(' ')
  const action = words[0]
  if (action !== 'CREATED' && action !== 'UPLOAD' && action !== 'UPLOADED' && action !== 'FAILED') return undefined
  // FAILED is also said of fetches, with other reasons.
  if (action === 'FAILED' && !/ REASON=(?:UPLOAD_REJECTED|UNEXPECTED)/.test(event.text)) return undefined
  const at = DESCRIPTOR_WORD[action]
  const word = at === undefined ? undefined : words[at]
  return { action, address: words[1] ?? '', descriptor: word === REDACTED ? undefined : word }
}

export interface UploadTracker {
  /**
   * Takes one event; true when with it every descriptor made is under way, everything asked for is answered,
   * and at least one directory has it.
   */
  take(event: Pick<UploadEvent, 'action' | 'descriptor'>): boolean
  /** At least one directory has it. */
  readonly anyUploaded: boolean
}

/** Descriptors remembered of one service; tor keeps two, for this time period and the next. */
const MAX_DESCRIPTORS = 16

export function createUploadTracker(): UploadTracker {
  const created = new Set<string>()
  let asked = 0
  let uploaded = 0
  let failed = 0
  return {
    take({ action, descriptor }) {
      if (action === 'CREATED') {
        if (descriptor !== undefined && created.size < MAX_DESCRIPTORS) created.add(descriptor)
        return false
      }
      if (action === 'UPLOAD') {
        asked += 1
        // One that a filter does not name may be any of them.
        if (descriptor === undefined) created.clear()
        else created.delete(descriptor)
      } else if (action === 'UPLOADED') uploaded += 1
      else failed += 1
      // An answer to nothing that was asked is a late one to the service which had the same key before.
      return asked > 0 && uploaded > 0 && uploaded + failed >= asked && created.size === 0
    },
    get anyUploaded() {
      return uploaded > 0
    },
  }
}
