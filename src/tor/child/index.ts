/** Our own tor process. @module */
export { makePrivateDirectory } from './directories.ts'
export type { ManagedTor } from './managed-tor.ts'
export { launchTor } from './managed-tor.ts'
export type { ChildPaths } from './torrc.ts'
export { childPaths, childTorrc } from './torrc.ts'
