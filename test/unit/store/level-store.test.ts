import { openStore } from '../../../src/store/index.ts'
import { testKeyValueStore } from '../../conformance/key-value-store.ts'
import { storeOptions, temporaryDirectory } from '../../support/store.ts'

testKeyValueStore('level store', (context) => openStore(storeOptions(temporaryDirectory(context))))
