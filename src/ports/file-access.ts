/**
 * The user's own files: one to send is read, one that came is written.
 * Never follows a link, never replaces anything, and never opens what is no regular file. Spec 10-messenger §8.
 * @module
 */

/** Why a file cannot be opened or made. */
export type FileFault =
  /** The path does not begin at the root. */
  | 'relative'
  /** There is no such file, or no such directory for a new one. */
  | 'missing'
  /** A directory, a link, a device, a pipe. */
  | 'irregular'
  | 'forbidden'
  /** There is something with this name already. */
  | 'exists'
  /** No room, or a disk that fails. */
  | 'failed'

export interface ReadableFile {
  /** Its length when it was opened. */
  readonly bytes: number
  /** The next bytes, fewer than asked for only at the end; `failed` when the disk does not give them. */
  read(length: number): Promise<Uint8Array | 'failed'>
  /** Idempotent. */
  close(): Promise<void>
}

export interface WritableFile {
  /** False when it could not be written. */
  write(bytes: Uint8Array): Promise<boolean>
  /**
   * Only now it is under its name, whole: undefined when all of it survives a loss of power, else why not, `exists` where
   * something has come in its place meanwhile. It is closed either way.
   */
  finish(): Promise<FileFault | undefined>
  /** Closes it and takes it away again. */
  discard(): Promise<void>
}

export interface FileAccess {
  /** The last part of a path, as this system writes paths. */
  nameOf(path: string): string
  openForReading(path: string): Promise<ReadableFile | FileFault>
  /** A new file for this user alone. Until it is finished nothing is under its name, whatever ends the process. */
  create(path: string): Promise<WritableFile | FileFault>
}
