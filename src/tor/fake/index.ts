/** Tor in memory, for tests and simulations. @module */
export type { FakeDescriptor, FakeDial, FakeTorNetwork, FakeTorNetworkOptions } from './fake-network.ts'
export { createFakeTorNetwork } from './fake-network.ts'
export type { FakeTorDeps, FakeTorProvider } from './fake-provider.ts'
export { createFakeTorProvider } from './fake-provider.ts'
export { createFakeStreamPair } from './fake-stream.ts'
