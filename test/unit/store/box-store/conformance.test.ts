import { createMemoryBoxStore, openBoxStore } from '../../../../src/store/index.ts'
import { testBoxStore } from '../../../conformance/box-store.ts'
import { silentLogger } from '../../../support/silent-logger.ts'
import { temporaryDirectory } from '../../../support/store.ts'

testBoxStore('on disk', (context, options) =>
  openBoxStore({ ...options, directory: temporaryDirectory(context), logger: silentLogger }),
)

testBoxStore('in memory', async (_context, options) => createMemoryBoxStore(options))
