/**
 * The keys of a profile and what others see of them.
 * Never holds an onion address or a name: identity and reachability are separate. CRYPTO §2c, spec 06-identity §2.
 * @module
 */

/** Raw 32-byte X25519 keys. */
export interface KeyPair {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

/** The secret half of a profile. */
export interface IdentityKeys {
  readonly ed25519Seed: Uint8Array
  readonly ed25519PublicKey: Uint8Array
  readonly x25519: KeyPair
}

/** What a contact knows of a profile; trusted on first use. */
export interface PublicIdentity {
  readonly ed25519: Uint8Array
  readonly x25519: Uint8Array
}

/** Secrets behind one bundle; used for one handshake, then wiped. */
export interface PrekeySecrets {
  readonly signedPrekey: KeyPair
  readonly oneTimePrekey: KeyPair
  /** 64-byte ML-KEM-768 seed and its 1,184-byte encapsulation key. */
  readonly kemSeed: Uint8Array
  readonly kemEncapsulationKey: Uint8Array
}

/** What an inviter hands out; authenticated by the invite's voucher, never by a signature (deniability). */
export interface PrekeyBundle {
  readonly identity: PublicIdentity
  readonly signedPrekey: Uint8Array
  readonly oneTimePrekey: Uint8Array
  readonly kemEncapsulationKey: Uint8Array
}
