/** The box store of hosts: on disk, or in memory. Spec 03-mailbox §5.1. @module */
export { createMemoryBoxStore } from './memory-box-store.ts'
export { openBoxStore } from './open-box-store.ts'
export type { MemoryBoxStoreOptions, OpenBoxStoreOptions } from './options.ts'
