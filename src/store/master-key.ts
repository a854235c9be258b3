/**
 * Wraps the random master key under a passphrase or a key file. Spec 09-store §2.
 * Never keeps a derived wrapping key longer than one call.
 * @module
 */
import type { Argon2Parameters } from '../crypto/index.ts'
import {
  aeadOpen,
  aeadSeal,
  argon2id,
  framed,
  hkdfSha256,
  KEY_BYTES,
  label,
  randomBytes,
  wipe,
} from '../crypto/index.ts'
import { storeError } from './errors.ts'
import type { Header, HeaderParameters } from './header.ts'
import { encodeHeader, encodeHeaderParameters, SALT_BYTES, WRAP_NONCE_BYTES } from './header.ts'
import type { StoreSecret } from './options.ts'
import { KDF_DEFAULT, KDF_FLOOR } from './options.ts'
import { createPrivateFile, findStats, isExposed, readBounded } from './private-files.ts'

const KEY_FILE_BYTES = 32

function assertStrong(kdf: Argon2Parameters, unsafeWeakKdf: boolean): void {
  if (unsafeWeakKdf) return
  if (kdf.memoryKiB < KDF_FLOOR.memoryKiB || kdf.passes < KDF_FLOOR.passes) throw storeError('STORE_KDF_TOO_WEAK')
}

async function readKeyFile(path: string, create: boolean): Promise<Uint8Array> {
  const stats = await findStats(path)
  if (stats === undefined) {
    if (!create) throw storeError('STORE_KEY_FILE_MISSING')
    const made = randomBytes(KEY_FILE_BYTES)
    await createPrivateFile(path, made)
    return made
  }
  if (!stats.isFile()) throw storeError('STORE_KEY_FILE_INVALID')
  if (isExposed({ uid: Number(stats.uid), mode: Number(stats.mode) })) throw storeError('STORE_KEY_FILE_PERMISSIONS')
  const content = await readBounded(path, KEY_FILE_BYTES + 1)
  if (content?.length === KEY_FILE_BYTES) return content
  if (content !== undefined) wipe(content)
  throw storeError('STORE_KEY_FILE_INVALID')
}

/** Slow for a passphrase, each time, right or wrong: that is its purpose. */
async function deriveWrappingKey(
  secret: StoreSecret,
  parameters: HeaderParameters,
  createKeyFile: boolean,
): Promise<Uint8Array> {
  if (secret.type === 'passphrase') {
    try {
      return await argon2id(secret.passphrase.reveal(), parameters.salt, parameters.kdf, KEY_BYTES)
    } catch (error: unknown) {
      throw storeError('STORE_KDF_FAILED', { cause: error, details: { memoryKiB: parameters.kdf.memoryKiB } })
    }
  }
  const content = await readKeyFile(secret.path, createKeyFile)
  const key = hkdfSha256(content, parameters.salt, framed(label('store/key-file')), KEY_BYTES)
  wipe(content)
  return key
}

function wrapData(parameters: HeaderParameters): Uint8Array {
  return framed(label('store/master-key'), encodeHeaderParameters(parameters))
}

export interface WrapOptions {
  readonly kdf?: Argon2Parameters | undefined
  readonly unsafeWeakKdf?: boolean | undefined
}

/**
 * The header bytes that wrap `masterKey`; fresh salt and nonce each time. A key file that does not exist is made.
 * @throws {AppError} `STORE_KDF_TOO_WEAK`, `STORE_KDF_FAILED`, `STORE_KEY_FILE_…`
 */
export async function wrapMasterKey(
  masterKey: Uint8Array,
  secret: StoreSecret,
  options: WrapOptions,
): Promise<Uint8Array> {
  const kdf = secret.type === 'passphrase' ? (options.kdf ?? KDF_DEFAULT) : { memoryKiB: 0, passes: 0, parallelism: 0 }
  if (secret.type === 'passphrase') assertStrong(kdf, options.unsafeWeakKdf ?? false)
  const parameters = { secretType: secret.type, kdf, salt: randomBytes(SALT_BYTES) }
  const wrappingKey = await deriveWrappingKey(secret, parameters, true)
  const nonce = randomBytes(WRAP_NONCE_BYTES)
  const wrappedKey = aeadSeal(wrappingKey, nonce, wrapData(parameters), masterKey)
  wipe(wrappingKey)
  return encodeHeader({ ...parameters, nonce, wrappedKey })
}

/**
 * The master key; the caller wipes it.
 * @throws {AppError} `STORE_WRONG_PASSPHRASE`, `STORE_WRONG_KEY_FILE`, `STORE_SECRET_MISMATCH` and those of wrapping
 */
export async function unwrapMasterKey(header: Header, secret: StoreSecret, options: WrapOptions): Promise<Uint8Array> {
  if (header.secretType !== secret.type) throw storeError('STORE_SECRET_MISMATCH')
  if (secret.type === 'passphrase') assertStrong(header.kdf, options.unsafeWeakKdf ?? false)
  const wrappingKey = await deriveWrappingKey(secret, header, false)
  const masterKey = aeadOpen(wrappingKey, header.nonce, wrapData(header), header.wrappedKey)
  wipe(wrappingKey)
  if (masterKey !== undefined) return masterKey
  throw storeError(secret.type === 'passphrase' ? 'STORE_WRONG_PASSPHRASE' : 'STORE_WRONG_KEY_FILE')
}
