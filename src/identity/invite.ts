/**
 * The text that one person hands to another to be asked for contact: a `noctule:` URI, fit for a QR code.
 * Never names its maker or an address of theirs that exists without it; the hosts in it are public. CRYPTO §2d, spec
 * 06-identity §3.
 * @module
 */
import {
  base32Decode,
  base32Encode,
  concatBytes,
  createByteReader,
  createByteWriter,
  equalBytes,
  SECOND_MS,
} from '../base/index.ts'
import { framed, HASH_BYTES, KEY_BYTES, label, sha256 } from '../crypto/index.ts'
import { decodeHostEntry, encodeHostEntry, HOST_ENTRY_BYTES, type HostEntry } from '../wire/index.ts'

export interface Invite {
  /** Layout version; 1 is all this program makes. */
  readonly version: number
  /** The URI carries whole seconds, rounded up. */
  readonly expiresAtMs: number
  readonly voucher: Uint8Array
  /** Raw Ed25519 public key of the onion service made for this invite; undefined when it goes through mailboxes alone. */
  readonly rendezvousPublicKey: Uint8Array | undefined
  /** Hosts through which the inviter's mailboxes can be reached, at most `INVITE_HOSTS_MAX_COUNT`. */
  readonly hosts: readonly HostEntry[]
}

export type InviteResult =
  | { readonly ok: true; readonly invite: Invite }
  /** `malformed`: mistyped or cut; `foreign`: for another program or network; `unsupported-version`: of a newer noctule. */
  | { readonly ok: false; readonly reason: 'malformed' | 'foreign' | 'unsupported-version' }

export const INVITE_VERSION = 1

const SCHEME = 'noctule:'
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:/
/** Some letters outside ASCII fall on ASCII ones in lower case. */
const ASCII = /^[!-~]*$/
/** Marks invites of the public network, so that a test network's are not tried in vain. */
const NETWORK = 0x6e
const FLAG_RENDEZVOUS = 1
/** Two are enough for one to be down; each makes the QR code coarser. */
export const INVITE_HOSTS_MAX_COUNT = 2
const CHECKSUM_BYTES = 4
/** network, version, flags, expiry u32, voucher, host count. */
const FIXED_BYTES = 1 + 1 + 1 + 4 + HASH_BYTES + 1
/** Room for later versions; bounds the work on whatever is pasted. Guessed. */
const TEXT_MAX_CHARACTERS = 2048

function checksum(body: Uint8Array): Uint8Array {
  return sha256(framed(label('invite-checksum'), body)).slice(0, CHECKSUM_BYTES)
}

/** Lower case; in upper case, as QR codes like it, it means the same. Layout: spec 06-identity §3. */
export function encodeInvite(invite: Invite): string {
  if (invite.version !== INVITE_VERSION) throw new RangeError('invite version is not ours')
  const { rendezvousPublicKey, hosts } = invite
  if (hosts.length > INVITE_HOSTS_MAX_COUNT) throw new RangeError('too many hosts for an invite')
  const rendezvous = rendezvousPublicKey ?? new Uint8Array(0)
  if (rendezvous.length === 0 && hosts.length === 0) throw new RangeError('an invite leads somewhere')
  const writer = createByteWriter(FIXED_BYTES + rendezvous.length + hosts.length * HOST_ENTRY_BYTES)
    .u8(NETWORK)
    .u8(INVITE_VERSION)
    .u8(rendezvousPublicKey === undefined ? 0 : FLAG_RENDEZVOUS)
    .u32(Math.ceil(invite.expiresAtMs / SECOND_MS))
    .bytes(invite.voucher)
    .bytes(rendezvous)
    .u8(hosts.length)
  for (const host of hosts) writer.bytes(encodeHostEntry(host))
  const body = writer.finish()
  return SCHEME + base32Encode(concatBytes(body, checksum(body)))
}

/** Reads what {@link encodeInvite} wrote, in any case and with white space around it. Never throws, whatever is pasted. */
export function parseInvite(text: string): InviteResult {
  if (text.length > TEXT_MAX_CHARACTERS) return { ok: false, reason: 'malformed' }
  const trimmed = text.trim()
  if (!ASCII.test(trimmed)) return { ok: false, reason: 'malformed' }
  const uri = trimmed.toLowerCase()
  if (!uri.startsWith(SCHEME)) return { ok: false, reason: ANY_SCHEME.test(uri) ? 'foreign' : 'malformed' }
  const bytes = base32Decode(uri.slice(SCHEME.length))
  if (bytes === undefined || bytes.length < 2 + CHECKSUM_BYTES) return { ok: false, reason: 'malformed' }
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  // The checksum closes every version, so that a slip of the pen is never taken for a newer version or another network.
  if (!equalBytes(bytes.subarray(body.length), checksum(body))) return { ok: false, reason: 'malformed' }
  if (body[0] !== NETWORK) return { ok: false, reason: 'foreign' }
  if (body[1] !== INVITE_VERSION) return { ok: false, reason: body[1] === 0 ? 'malformed' : 'unsupported-version' }
  return decodeBody(body)
}

function decodeBody(body: Uint8Array): InviteResult {
  const reader = createByteReader(body)
  reader.bytes(2)
  const flags = reader.u8()
  const expiresAtMs = reader.u32() * SECOND_MS
  const voucher = reader.bytes(HASH_BYTES)
  // With a right checksum, what this version does not know was meant, by a program that knows more.
  if ((flags & ~FLAG_RENDEZVOUS) !== 0) return { ok: false, reason: 'unsupported-version' }
  const rendezvousPublicKey = flags === FLAG_RENDEZVOUS ? reader.bytes(KEY_BYTES) : undefined
  const hostCount = reader.u8()
  if (hostCount > INVITE_HOSTS_MAX_COUNT) return { ok: false, reason: 'unsupported-version' }
  const hosts: HostEntry[] = []
  for (let index = 0; index < hostCount; index += 1) {
    const host = decodeHostEntry(reader.bytes(HOST_ENTRY_BYTES))
    if (host !== undefined) hosts.push(host)
  }
  // Without a host and without a rendezvous it leads nowhere.
  if (!reader.end() || (rendezvousPublicKey === undefined && hosts.length === 0))
    return { ok: false, reason: 'malformed' }
  return { ok: true, invite: { version: INVITE_VERSION, expiresAtMs, voucher, rendezvousPublicKey, hosts } }
}
