/** What every folder may use: errors, redaction, bytes, codecs, units. @module */

export type { Brand } from './bytes.ts'
export {
  base32Decode,
  base32Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
  utf8Decode,
  utf8Encode,
} from './bytes.ts'
export type { ByteReader, ByteWriter } from './codec.ts'
export { createByteReader, createByteWriter } from './codec.ts'
export type { AppErrorOptions, ErrorDetails, ErrorEntry, ErrorFactory, ErrorKind, ErrorTable } from './errors.ts'
export { AppError, createErrorFactory, InternalError, isAbortError, isAppError } from './errors.ts'
export type { Mutex } from './mutex.ts'
export { createMutex } from './mutex.ts'
export { onAbort } from './on-abort.ts'
export { Sensitive } from './sensitive.ts'
export type { SteadyTime } from './steady-time.ts'
export { createSteadyTime, STEADY_JUMP_MS, STEADY_START_MS } from './steady-time.ts'
export type { Owner, Sleeper, Stoppable, TaskGroup, Warner } from './tasks.ts'
export { attempt, createOwner, createTaskGroup, isForeseen, whenAborted, withDeadline } from './tasks.ts'
export { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './units.ts'
