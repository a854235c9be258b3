/**
 * What makes a host the same host after a restart: its keys, its work and the keys that requests are sealed to.
 * Never derived from the profile of the person who runs it, and never outside the erasable table. Spec 03-mailbox §3.1, §4.3.
 * @module
 */
import { InternalError } from '../../base/index.ts'
import { createEd25519Seed, createX25519KeyPair, ed25519PublicKey, KEY_BYTES } from '../../crypto/index.ts'
import type { KeyValueStore } from '../../ports/index.ts'
import { createPacked, type HostEntry, type ShapeValue, shape } from '../../wire/index.ts'
import { CLOCK_TOLERANCE_MS } from '../options.ts'
import { FORMER_SEAL_KEY_COUNT, HOST_SECRETS_TABLE } from './options.ts'

const key = shape.bytes(KEY_BYTES)
const whole = shape.integer(0, Number.MAX_SAFE_INTEGER)

const keysShape = shape.record({
  hostSeed: key,
  courierOnionSeed: key,
  meshOnionSeed: key,
  startedAtMs: shape.optional(whole),
  work: shape.optional(shape.record({ period: whole, nonce: whole })),
  sealKeys: shape.list(shape.record({ privateKey: key, publicKey: key, sinceMs: whole }), 1 + FORMER_SEAL_KEY_COUNT),
})
const packedKeys = createPacked(keysShape)

type StoredHostKeys = ShapeValue<typeof keysShape>

/** A value; what changes it gives a new one. Secret but for the public keys. */
export interface HostKeys extends StoredHostKeys {
  /** Ed25519: transport identity on both onions, signs descriptors and receipts. */
  readonly hostSeed: Uint8Array
  readonly hostKey: Uint8Array
  /** `deriveOnionKey` gives tor's form of both. */
  readonly courierOnionSeed: Uint8Array
  readonly courierOnionKey: Uint8Array
  readonly meshOnionSeed: Uint8Array
  readonly meshOnionKey: Uint8Array
  /** When this host ran for the first time; undefined before that. */
  readonly startedAtMs: number | undefined
  /** X25519, newest first: the one in the descriptor, and the ones that clients with an older descriptor still use. */
  readonly sealKeys: readonly {
    readonly privateKey: Uint8Array
    readonly publicKey: Uint8Array
    readonly sinceMs: number
  }[]
}

const KEYS_KEY = 'keys'

function withPublicKeys(stored: StoredHostKeys): HostKeys {
  return {
    ...stored,
    hostKey: ed25519PublicKey(stored.hostSeed),
    courierOnionKey: ed25519PublicKey(stored.courierOnionSeed),
    meshOnionKey: ed25519PublicKey(stored.meshOnionSeed),
  }
}

/**
 * The keys of this host; made and stored at the first call.
 * @throws {AppError} the store's codes
 */
export async function loadHostKeys(store: KeyValueStore): Promise<HostKeys> {
  const bytes = await store.get(HOST_SECRETS_TABLE, KEYS_KEY)
  if (bytes !== undefined) {
    const stored = packedKeys.decode(bytes)
    // The store authenticates what it gives back, so this is a mistake of ours.
    if (stored === undefined) throw new InternalError('stored host keys do not decode')
    return withPublicKeys(stored)
  }
  const keys = withPublicKeys({
    hostSeed: createEd25519Seed(),
    courierOnionSeed: createEd25519Seed(),
    meshOnionSeed: createEd25519Seed(),
    startedAtMs: undefined,
    work: undefined,
    sealKeys: [],
  })
  await saveHostKeys(store, keys)
  return keys
}

/** Durable when it resolves. */
export async function saveHostKeys(store: KeyValueStore, keys: HostKeys): Promise<void> {
  const { hostSeed, courierOnionSeed, meshOnionSeed, startedAtMs, work, sealKeys } = keys
  const value = packedKeys.encode({ hostSeed, courierOnionSeed, meshOnionSeed, startedAtMs, work, sealKeys })
  await store.batch([{ type: 'put', table: HOST_SECRETS_TABLE, key: KEYS_KEY, value, erasable: true }])
}

/**
 * The keys with a new seal key where the newest has served `sealEpochMs`, or comes from a future that a clock put right
 * has taken back; the same value otherwise. The caller stores a new value before it is used.
 */
export function renewSealKey(keys: HostKeys, nowMs: number, sealEpochMs: number): HostKeys {
  const newest = keys.sealKeys[0]
  if (newest !== undefined && nowMs < newest.sinceMs + sealEpochMs && nowMs > newest.sinceMs - CLOCK_TOLERANCE_MS)
    return keys
  const { privateKey, publicKey } = createX25519KeyPair()
  const sealKeys = [{ privateKey, publicKey, sinceMs: nowMs }, ...keys.sealKeys.slice(0, FORMER_SEAL_KEY_COUNT)]
  return { ...keys, sealKeys }
}

/** Enough for others to begin with this host. */
export function hostEntryOf(keys: HostKeys): HostEntry {
  return { hostKey: keys.hostKey, courierOnionKey: keys.courierOnionKey }
}
