/**
 * The text by which a person gives another a host to begin with: a `noctule-host:` URI.
 * Never names the host's owner, nor an address outside the onion space. Spec 03-mailbox §3.1.
 * @module
 */
import { base32Decode, base32Encode, concatBytes, equalBytes } from '../base/index.ts'
import { framed, label, sha256 } from '../crypto/index.ts'
import { decodeHostEntry, encodeHostEntry, HOST_ENTRY_BYTES, type HostEntry } from '../wire/index.ts'

export type HostUriResult =
  | { readonly ok: true; readonly entry: HostEntry }
  /** `malformed`: mistyped or cut; `foreign`: for another program; `unsupported-version`: of a newer noctule. */
  | { readonly ok: false; readonly reason: 'malformed' | 'foreign' | 'unsupported-version' }

const HOST_URI_SCHEME = 'noctule-host:'

const HOST_URI_VERSION = 1
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:/
/** Some letters outside ASCII fall on ASCII ones in lower case. */
const ASCII = /^[!-~]*$/
const VERSION_BYTES = 1
const CHECKSUM_BYTES = 4
/** Room for later versions; bounds the work on whatever is pasted. Guessed. */
const TEXT_MAX_CHARACTERS = 2_048

function checksum(body: Uint8Array): Uint8Array {
  return sha256(framed(label('host-entry-checksum'), body)).slice(0, CHECKSUM_BYTES)
}

/** Lower case; in upper case, as QR codes like it, it means the same. Layout: spec 03-mailbox §3.1. */
export function formatHostUri(entry: HostEntry): string {
  const body = concatBytes(Uint8Array.of(HOST_URI_VERSION), encodeHostEntry(entry))
  return HOST_URI_SCHEME + base32Encode(concatBytes(body, checksum(body)))
}

/** Reads what {@link formatHostUri} wrote, in any case and with white space around it. Never throws, whatever is pasted. */
export function parseHostUri(text: string): HostUriResult {
  if (text.length > TEXT_MAX_CHARACTERS) return { ok: false, reason: 'malformed' }
  const trimmed = text.trim()
  if (!ASCII.test(trimmed)) return { ok: false, reason: 'malformed' }
  const uri = trimmed.toLowerCase()
  if (!uri.startsWith(HOST_URI_SCHEME)) return { ok: false, reason: ANY_SCHEME.test(uri) ? 'foreign' : 'malformed' }
  const bytes = base32Decode(uri.slice(HOST_URI_SCHEME.length))
  if (bytes === undefined || bytes.length < VERSION_BYTES + CHECKSUM_BYTES) return { ok: false, reason: 'malformed' }
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  // The checksum closes every version, so that a slip of the pen is never taken for a newer version.
  if (!equalBytes(bytes.subarray(body.length), checksum(body))) return { ok: false, reason: 'malformed' }
  if (body[0] !== HOST_URI_VERSION) return { ok: false, reason: body[0] === 0 ? 'malformed' : 'unsupported-version' }
  if (body.length !== VERSION_BYTES + HOST_ENTRY_BYTES) return { ok: false, reason: 'malformed' }
  const entry = decodeHostEntry(body.slice(VERSION_BYTES))
  return entry === undefined ? { ok: false, reason: 'malformed' } : { ok: true, entry }
}
