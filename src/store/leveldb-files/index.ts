/** What the store knows about LevelDB's files beyond LevelDB. @module */
export { hasData, isSoundDatabase } from './check-database.ts'
export { dropBatch } from './drop-batch.ts'
export { readLog } from './log-file.ts'
