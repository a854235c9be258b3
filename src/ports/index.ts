/** Interfaces that adapters fill; no runtime code. @module */
export type { BoxPutOutcome, BoxStore, BoxStoreStats, StoreBox, StoredBoxId } from './box-store.ts'
export type { Clock } from './clock.ts'
export type { FileAccess, FileFault, ReadableFile, WritableFile } from './file-access.ts'
export type { HostMesh, MeshPeer, MeshRequest } from './host-mesh.ts'
export type { KeyValueStore, StoreDelete, StoreOperation, StorePut } from './key-value-store.ts'
export type { LogFields, Logger, LogWord } from './logger.ts'
export type { Random } from './random.ts'
export type {
  DialOptions,
  LinkOptions,
  ListenOptions,
  RecordLink,
  RecordListener,
  RecordNetwork,
} from './record-network.ts'
export type { Startable } from './startable.ts'
export type {
  ConnectOptions,
  OnionAddress,
  OnionSecretKey,
  OnionService,
  OnionServiceOptions,
  TorProvider,
  TorStage,
  TorStatus,
} from './tor-provider.ts'
