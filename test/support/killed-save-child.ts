/**
 * Begins to save a file, says so, and waits to be killed.
 * Never finishes it.
 * @module
 */
import { createFileAccess } from '../../src/daemon/file-access.ts'

const file = await createFileAccess().create(process.argv[2] ?? '')
if (typeof file === 'string' || !(await file.write(new TextEncoder().encode('hello'))))
  throw new Error('nothing written')
process.stdout.write('written')
setInterval(() => undefined, 1_000)
