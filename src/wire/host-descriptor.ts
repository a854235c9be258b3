/**
 * What a host says of itself, signed, and the entry by which a first host is dialled.
 * Never names the owner or an address outside the onion space. Spec 03-mailbox §3.1.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { KEY_BYTES } from '../crypto/index.ts'
import { HOST_DESCRIPTOR_BYTES, HOST_ENTRY_BYTES, SIGNATURE_BYTES } from './geometry.ts'

const DESCRIPTOR_VERSION = 1

/** All keys 32 bytes, all times in whole seconds since the Unix epoch. */
export interface HostDescriptorFields {
  /** Ed25519; signs descriptors and receipts, and is the transport identity on both onions. */
  readonly hostKey: Uint8Array
  /** X25519; requests to this host as an intermediate are sealed to it. Changes with the seal epoch. */
  readonly sealKey: Uint8Array
  /** Ed25519 public key of the onion service for clients. */
  readonly courierOnionKey: Uint8Array
  /** Ed25519 public key of the onion service for other hosts. */
  readonly meshOnionKey: Uint8Array
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
  /** When the host says it began; its age is what others have seen, at most since then. */
  readonly startedAtSeconds: number
  readonly capacityMib: number
  /** Which period its work is for, and the nonce found. Spec 03-mailbox §3.2. */
  readonly workPeriod: number
  readonly workNonce: number
}

export interface SignedHostDescriptor extends HostDescriptorFields {
  readonly signature: Uint8Array
}

/** The bytes that are signed. */
export function encodeHostDescriptorFields(fields: HostDescriptorFields): Uint8Array {
  const writer = createByteWriter(HOST_DESCRIPTOR_BYTES - SIGNATURE_BYTES).u8(DESCRIPTOR_VERSION)
  for (const key of [fields.hostKey, fields.sealKey, fields.courierOnionKey, fields.meshOnionKey]) {
    if (key.length !== KEY_BYTES) throw new RangeError('descriptor key must have 32 bytes')
    writer.bytes(key)
  }
  return writer
    .u32(fields.issuedAtSeconds)
    .u32(fields.expiresAtSeconds)
    .u32(fields.startedAtSeconds)
    .u32(fields.capacityMib)
    .u16(fields.workPeriod)
    .u64(fields.workNonce)
    .finish()
}

/** Always `HOST_DESCRIPTOR_BYTES` long. */
export function encodeHostDescriptor(descriptor: SignedHostDescriptor): Uint8Array {
  return createByteWriter(HOST_DESCRIPTOR_BYTES)
    .bytes(encodeHostDescriptorFields(descriptor))
    .bytes(descriptor.signature)
    .finish()
}

/** Undefined for every other length and version. Says nothing of signature, work and time. */
export function decodeHostDescriptor(bytes: Uint8Array): SignedHostDescriptor | undefined {
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const hostKey = reader.bytes(KEY_BYTES)
  const sealKey = reader.bytes(KEY_BYTES)
  const courierOnionKey = reader.bytes(KEY_BYTES)
  const meshOnionKey = reader.bytes(KEY_BYTES)
  const issuedAtSeconds = reader.u32()
  const expiresAtSeconds = reader.u32()
  const startedAtSeconds = reader.u32()
  const capacityMib = reader.u32()
  const workPeriod = reader.u16()
  const workNonce = reader.u64()
  const signature = reader.bytes(SIGNATURE_BYTES)
  if (!reader.end() || version !== DESCRIPTOR_VERSION) return undefined
  return {
    hostKey,
    sealKey,
    courierOnionKey,
    meshOnionKey,
    issuedAtSeconds,
    expiresAtSeconds,
    startedAtSeconds,
    capacityMib,
    workPeriod,
    workNonce,
    signature,
  }
}

/** Where a client can begin when it knows no table yet. */
export interface HostEntry {
  readonly hostKey: Uint8Array
  readonly courierOnionKey: Uint8Array
}

/** Always `HOST_ENTRY_BYTES` long. */
export function encodeHostEntry(entry: HostEntry): Uint8Array {
  if (entry.hostKey.length !== KEY_BYTES) throw new RangeError('host key must have 32 bytes')
  return createByteWriter(HOST_ENTRY_BYTES).bytes(entry.hostKey).bytes(entry.courierOnionKey).finish()
}

/** Undefined for every other length. */
export function decodeHostEntry(bytes: Uint8Array): HostEntry | undefined {
  const reader = createByteReader(bytes)
  const hostKey = reader.bytes(KEY_BYTES)
  const courierOnionKey = reader.bytes(KEY_BYTES)
  return reader.end() ? { hostKey, courierOnionKey } : undefined
}
