/** Adapters of the Tor port: the control-port client, the provider over a real tor, and a fake. Spec 07-tor. @module */
export type {
  ConnectControlOptions,
  ControlAuthMethod,
  ControlCommand,
  ControlConnection,
  ControlCredentials,
  ControlEvent,
  ControlReply,
  LocalTarget,
  ProtocolInfo,
  ReplyLine,
} from './control/index.ts'
export { connectControl, controlCommand } from './control/index.ts'
export type { TorErrorCode } from './errors.ts'
export { TOR_ERRORS } from './errors.ts'
export type { FakeDial, FakeTorDeps, FakeTorNetwork, FakeTorNetworkOptions, FakeTorProvider } from './fake/index.ts'
export { createFakeStreamPair, createFakeTorNetwork, createFakeTorProvider } from './fake/index.ts'
export type { ChildTorOptions, TorEnvironment, TorOptions } from './options.ts'
export { CHILD_TOR_DEFAULTS, parseTorEnvironment, TOR_DEFAULTS } from './options.ts'
export type { RealTorProvider, TorProviderDeps } from './tor-provider.ts'
export { createTorProvider } from './tor-provider.ts'
export type { TorWarning } from './warnings.ts'
export { TOR_WARNINGS } from './warnings.ts'
