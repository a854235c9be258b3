/**
 * The commands about onion services, byte for byte in one form, which filters match. Spec 07-tor §3.
 * Never asks for `Detach`: a service that outlives its daemon would tell that the daemon was here.
 * @module
 */
import { base32Encode } from '../../base/index.ts'
import type { OnionAddress, OnionSecretKey } from '../../ports/index.ts'
import type { ControlCommand } from '../control/index.ts'
import { controlCommand } from '../control/index.ts'

/** Where tor delivers inbound streams: a unix socket, or a port of 127.0.0.1. */
export type OnionTarget = { readonly path: string } | { readonly port: number }

export interface AddOnion {
  readonly secretKey: OnionSecretKey
  readonly virtualPort: number
  readonly target: OnionTarget
  readonly authorizedClients: readonly Uint8Array[]
  readonly proofOfWork: boolean
}

/**
 * `ADD_ONION ED25519-V3:<key>[ Flags=V3Auth] Port=<virtual>,<target>[ ClientAuthV3=<key>]…[ PoWDefensesEnabled=1]`.
 *
 * The order and the bare port number, which tor takes for 127.0.0.1, are those of the OnionShare profile in Tails.
 * `DiscardPK` is left out: tor returns only keys that it made itself.
 */
export function addOnionCommand(onion: AddOnion): ControlCommand {
  const target =
    'path' in onion.target
      ? // The connection writes Latin-1; so the path arrives as the bytes it has on disk.
        `unix:${Buffer.from(onion.target.path, 'utf8').toString('latin1')}`
      : String(onion.target.port)
  return controlCommand(
    'ADD_ONION',
    `ED25519-V3:${Buffer.from(onion.secretKey).toString('base64')}`,
    ...(onion.authorizedClients.length === 0 ? [] : ['Flags=V3Auth']),
    `Port=${onion.virtualPort},${target}`,
    ...onion.authorizedClients.map((key) => `ClientAuthV3=${base32Encode(key).toUpperCase()}`),
    ...(onion.proofOfWork ? ['PoWDefensesEnabled=1'] : []),
  )
}

export function deleteOnionCommand(address: OnionAddress): ControlCommand {
  return controlCommand('DEL_ONION', address)
}

export function addClientKeyCommand(address: OnionAddress, privateKey: Uint8Array): ControlCommand {
  return controlCommand('ONION_CLIENT_AUTH_ADD', address, `x25519:${Buffer.from(privateKey).toString('base64')}`)
}

export function removeClientKeyCommand(address: OnionAddress): ControlCommand {
  return controlCommand('ONION_CLIENT_AUTH_REMOVE', address)
}
