/**
 * libp2p's own compliance suite for transports, run over ours with real sockets, in both ways of upgrading.
 * No test of the suite is left out.
 *
 * Two things of the suite are met by the set-up, each with its reason:
 * - The suite recognises an inbound connection by matching its remote address against the kind of address listened on.
 *   Ours have a made-up address on purpose (an onion service does not know who dials it), so the matcher knows that too.
 * - Listeners must have two addresses. One onion service is one address, so the listener has two services.
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe } from 'node:test'
import tests from '@libp2p/interface-compliance-tests/transport'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pInit } from 'libp2p'
import { createEd25519Seed, deriveOnionKey } from '../../src/crypto/index.ts'
import type { TorProvider } from '../../src/ports/index.ts'
import {
  ONION_VIRTUAL_PORT,
  onionMultiaddr,
  onionTransport,
  parseOnionMultiaddr,
  type UpgradeMode,
} from '../../src/transport/index.ts'
import { onionAddress } from '../../src/wire/index.ts'
import { createLoopbackTor, type LoopbackTor } from '../support/loopback-tor.ts'
import { installMochaGlobals } from '../support/mocha-shim.ts'

const mocha = installMochaGlobals()

/** Tests of the suite in version 7.0.16; fewer would mean that it changed or was not seen. */
const SUITE_COUNT = 15

const isOnion = (address?: Multiaddr): boolean => address !== undefined && parseOnionMultiaddr(address) !== undefined
const onionMatcher = { matchers: [], matches: isOnion, exactMatch: isOnion }
const inboundMatcher = {
  matchers: [],
  matches: (address?: Multiaddr) => isOnion(address) || address?.toString().startsWith('/memory/onion') === true,
  exactMatch: isOnion,
}

function createConfig(torProvider: TorProvider, mode: UpgradeMode): Libp2pInit {
  const services = [1, 2].map(() => deriveOnionKey(createEd25519Seed()))
  const endpoints = services.map(({ publicKey }) => ({ address: onionAddress(publicKey), port: ONION_VIRTUAL_PORT }))
  const secretKeys = new Map(endpoints.map(({ address }, index) => [address, services[index]?.secretKey]))
  return {
    addresses: { listen: endpoints.map((endpoint) => onionMultiaddr(endpoint).toString()) },
    transports: [
      onionTransport({
        torProvider,
        publish({ address, port }, onStream) {
          const secretKey = secretKeys.get(address)
          if (secretKey === undefined) throw new Error('no such service')
          return torProvider.publishOnion({ secretKey, virtualPort: port, authorizedClients: [], onStream })
        },
        isolationFor: ({ address }) => address,
        mode,
        coalesce: true,
        announce: true,
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionManager: { resolvers: {} },
    connectionMonitor: { enabled: false },
  }
}

for (const mode of ['direct', 'negotiated'] as const) {
  describe(`transport compliance, ${mode} upgrade`, () => {
    let tor: LoopbackTor | undefined
    tests({
      async setup() {
        tor = await createLoopbackTor()
        return {
          dialer: { ...createConfig(tor.createProvider(), mode), addresses: { listen: [] } },
          listener: createConfig(tor.createProvider(), mode),
          dialMultiaddrMatcher: onionMatcher,
          listenMultiaddrMatcher: inboundMatcher,
        }
      },
      async teardown() {
        await tor?.stop()
      },
    })
  })
}

after(() => assert.equal(mocha.passedCount(), 2 * SUITE_COUNT))
