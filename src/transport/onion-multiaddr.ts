/**
 * The one kind of address that exists for noctule's libp2p.
 * Never accepts what libp2p's own parser accepts beyond it: wrong checksums and lengths, upper case, port 0 or none,
 * ports above 65535, further components (TORNET §2), other bytes for the same address. Spec 01a-transport §2.
 * @module
 */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_ONION3, CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '../base/index.ts'
import type { OnionAddress } from '../ports/index.ts'
import { parseOnionAddress } from '../wire/index.ts'

export interface OnionEndpoint {
  readonly address: OnionAddress
  readonly port: number
}

export interface OnionTarget extends OnionEndpoint {
  /** Whom the address names, if anybody. */
  readonly peerId: PeerId | undefined
}

const ENDPOINT = /^([a-z2-7]{56}):([1-9][0-9]{0,4})$/
const PORT_MAX = 65_535

/**
 * What `/onion3/<address>:<port>` with an optional `/p2p/<id>` says; undefined for every other address, and for other bytes
 * than the only ones that say it: libp2p takes a peer id whose length goes beyond the end, and such bytes, passed on as they
 * came, would mark the way that an address took.
 */
export function parseOnionMultiaddr(address: Multiaddr): OnionTarget | undefined {
  const target = readComponents(address)
  if (target === undefined) return undefined
  return equalBytes(onionMultiaddr(target, target.peerId).bytes, address.bytes) ? target : undefined
}

function readComponents(address: Multiaddr): OnionTarget | undefined {
  const [onion, peer, ...rest] = address.getComponents()
  if (onion?.code !== CODE_ONION3 || rest.length > 0) return undefined
  const endpoint = parseEndpoint(onion.value ?? '')
  if (endpoint === undefined) return undefined
  if (peer === undefined) return { ...endpoint, peerId: undefined }
  if (peer.code !== CODE_P2P) return undefined
  const peerId = parsePeerId(peer.value ?? '')
  return peerId === undefined ? undefined : { ...endpoint, peerId }
}

export function onionMultiaddr(endpoint: OnionEndpoint, peerId?: PeerId): Multiaddr {
  const onion = multiaddr(`/onion3/${endpoint.address}:${endpoint.port}`)
  return peerId === undefined ? onion : onion.encapsulate(`/p2p/${peerId.toString()}`)
}

/** Addresses that are not exactly an onion address are dropped: the filter for everything that libp2p dials, stores or tells. */
export function onionOnly(addresses: Multiaddr[]): Multiaddr[] {
  return addresses.filter((address) => parseOnionMultiaddr(address) !== undefined)
}

function parseEndpoint(text: string): OnionEndpoint | undefined {
  const [, name, digits] = ENDPOINT.exec(text) ?? []
  if (name === undefined || digits === undefined) return undefined
  const address = parseOnionAddress(name)
  const port = Number(digits)
  return address === undefined || port > PORT_MAX ? undefined : { address, port }
}

function parsePeerId(text: string): PeerId | undefined {
  try {
    return peerIdFromString(text)
  } catch {
    // Foreign bytes: any text that libp2p cannot read is no peer id.
    return undefined
  }
}
