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
  readonly direction: 'inbound' | 'outbound'
}

/** A gater for instances that either listen for one peer or dial one peer. */
export function createGater({ expectedPeer, direction }: GaterOptions): ConnectionGater {
  const isStranger = (peer: PeerId): boolean => expectedPeer !== undefined && !expectedPeer.equals(peer)
  const denyInbound = (peer: PeerId): boolean => direction !== 'inbound' || isStranger(peer)
  const denyOutbound = (peer: PeerId): boolean => direction !== 'outbound' || isStranger(peer)
  return {
    denyDialPeer: denyOutbound,
    denyDialMultiaddr: (address) => direction !== 'outbound' || parseOnionMultiaddr(address) === undefined,
    denyInboundConnection: () => direction !== 'inbound',
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
