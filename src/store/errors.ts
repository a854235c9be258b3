/**
 * Every way in which the store can fail, with what it means and what to do. Spec 09-store §9.
 * Never names a path, a table or a key.
 * @module
 */
import type { ErrorFactory, ErrorTable } from '../base/index.ts'
import { createErrorFactory } from '../base/index.ts'

export const STORE_ERRORS = {
  STORE_MISSING: {
    kind: 'user',
    why: 'There is no store in the data directory.',
    remedy: 'Check the data directory in the configuration, or create a profile there.',
  },
  STORE_PERMISSIONS: {
    kind: 'user',
    why: 'The data directory belongs to another user or is open to other users.',
    remedy: 'Choose a directory of your own and take the access of others away (chmod 700).',
  },
  STORE_LOCKED: {
    kind: 'user',
    why: 'Another process has this store open.',
    remedy: 'Stop the other daemon, or use another data directory.',
  },
  STORE_WRONG_PASSPHRASE: {
    kind: 'user',
    why: 'The passphrase does not open this store.',
    remedy: 'Enter the passphrase again; there is no way around it.',
  },
  STORE_WRONG_KEY_FILE: {
    kind: 'user',
    why: 'The key file does not open this store.',
    remedy: 'Name the key file that the store was made with; there is no way around it.',
  },
  STORE_KEY_FILE_MISSING: {
    kind: 'user',
    why: 'The key file is not there.',
    remedy: 'Attach the medium that it is on, or correct its path in the configuration.',
  },
  STORE_KEY_FILE_PERMISSIONS: {
    kind: 'user',
    why: 'The key file belongs to another user or others have access to it.',
    remedy: 'Make it yours and take the access of others away (chmod 600).',
  },
  STORE_KEY_FILE_INVALID: {
    kind: 'user',
    why: 'The key file is not a regular file of exactly 32 bytes.',
    remedy: 'Name the right file; a new store makes its own when the file does not exist.',
  },
  STORE_SECRET_MISMATCH: {
    kind: 'user',
    why: 'The store is protected by the other kind of secret: a passphrase instead of a key file, or the reverse.',
    remedy: 'Configure the kind of secret that the store was made with.',
  },
  STORE_KDF_TOO_WEAK: {
    kind: 'user',
    why: 'The parameters that slow down guessing of the passphrase are below the floor.',
    remedy: 'Use at least 64 MiB and three passes.',
  },
  STORE_KDF_FAILED: {
    kind: 'environment',
    why: 'The key could not be derived from the passphrase; most likely the memory for it was not there.',
    remedy: 'Free memory and try again; the details say how much is needed.',
  },
  STORE_TOO_NEW: {
    kind: 'user',
    why: 'The store was written by a newer version.',
    remedy: 'Use that version or a later one; nothing was changed.',
  },
  STORE_CORRUPT: {
    kind: 'environment',
    why: 'The files of the store are damaged or incomplete.',
    remedy: 'Nothing was changed: copy the data directory first, check the disk, then restore from a backup.',
  },
  STORE_FULL: {
    kind: 'environment',
    why: 'The disk has no room for the change; none of it was applied.',
    remedy: 'Free space on the disk and try again.',
  },
  STORE_IO: {
    kind: 'environment',
    why: 'The operating system refused to read or write the files of the store.',
    remedy: 'Check the disk and the access to the data directory; when the details say undecided, restart the daemon.',
  },
  STORE_CLOSED: {
    kind: 'stopping',
    why: 'The store was closed.',
    remedy: 'Nothing; the daemon is stopping.',
  },
} as const satisfies ErrorTable

export type StoreErrorCode = keyof typeof STORE_ERRORS

export const storeError: ErrorFactory<typeof STORE_ERRORS> = createErrorFactory(STORE_ERRORS)
