/** Isolated streams to onion services over SOCKS 5. @module */
export type { DialSocksOptions } from './dial.ts'
export { dialSocks } from './dial.ts'
export type { IsolationNames } from './isolation-names.ts'
export { createIsolationNames } from './isolation-names.ts'
export type { SocksMessage, SocksReplyReader } from './reply-reader.ts'
export { createSocksReplyReader } from './reply-reader.ts'
