/**
 * Gives a store another passphrase or key file. Spec 09-store §2.
 * Never touches the data: the master key stays and is wrapped anew. Whoever has the old secret and an old copy of the
 * header keeps access; the threat model says so.
 * @module
 */
import { storeError } from './errors.ts'
import { createKeyHierarchy } from './key-hierarchy.ts'
import { openLevelDatabase } from './level-database.ts'
import { unwrapMasterKey, wrapMasterKey } from './master-key.ts'
import { assertSound, assertUnlocked, readHeader, requireHeader, storePaths } from './open-store.ts'
import type { ChangePassphraseOptions } from './options.ts'
import { openPrivateDirectory, writePrivateFile } from './private-files.ts'

/**
 * After it the store opens with `next` only; after a crash, with one of the two. The daemon must not run.
 * @throws {AppError} as `openStore`; nothing was changed then
 */
export async function changePassphrase(options: ChangePassphraseOptions): Promise<void> {
  const { current, next, kdf, unsafeWeakKdf } = options
  const directory = await openPrivateDirectory(options.directory, false)
  if (directory === undefined) throw storeError('STORE_MISSING')
  const paths = storePaths(directory)
  const headerBytes = await readHeader(paths)
  if (headerBytes === undefined) throw storeError('STORE_MISSING')
  await assertUnlocked(paths)
  const masterKey = await unwrapMasterKey(requireHeader(headerBytes), current, { unsafeWeakKdf })
  const keys = createKeyHierarchy(masterKey)
  try {
    await assertSound(paths, keys)
    const wrapped = await wrapMasterKey(masterKey, next, { kdf, unsafeWeakKdf })
    // Opened for its lock: a second change at the same time would leave the user guessing which one won.
    const database = await openLevelDatabase(paths.database, false)
    try {
      await writePrivateFile(paths.header, wrapped)
    } finally {
      await database.close()
    }
  } finally {
    keys.wipe()
  }
}
