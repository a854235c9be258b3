/**
 * Who may connect to an instance, and whom it may connect to.
 * Never admits a peer that the instance was not made for. DESIGN §5.
 * @module
 */
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { parseOnionMultiaddr } from './onion-multiaddr.ts'

export interface GaterOptions {
  /** The one peer that counts; undefined admits any, who then has shown that it can read the descriptor. */
  readonly expectedPeer: PeerId | undefined
  readonly direction: 'inbound' | 'outbound' | 'both'
  /** False keeps an instance from dialling a peer now. */
  readonly mayDial?: (peer: PeerId) => boolean
}

/** A gater for instances that listen, dial, or both. */
export function createGater({ expectedPeer, direction, mayDial }: GaterOptions): ConnectionGater {
  const isStranger = (peer: PeerId): boolean => expectedPeer !== undefined && !expectedPeer.equals(peer)
  const denyInbound = (peer: PeerId): boolean => direction === 'outbound' || isStranger(peer)
  const denyOutbound = (peer: PeerId): boolean => direction === 'inbound' || isStranger(peer)
  return {
    denyDialPeer: (peer) => denyOutbound(peer) || mayDial?.(peer) === false,
    denyDialMultiaddr: (address) => direction === 'inbound' || parseOnionMultiaddr(address) === undefined,
    denyInboundConnection: () => direction === 'outbound',
    denyOutboundConnection: denyOutbound,
    denyInboundEncryptedConnection: denyInbound,
    denyOutboundEncryptedConnection: denyOutbound,
    denyInboundUpgradedConnection: denyInbound,
    denyOutboundUpgradedConnection: denyOutbound,
    denyInboundRelayReservation: () => true,
    denyOutboundRelayedConnection: () => true,
    denyInboundRelayedConnection: () => true,
    filterMultiaddrForPeer: (_peer, address) => parseOnionMultiaddr(address) !== undefined,
  }
}
