import { createMemoryStore } from '../../../src/store/index.ts'
import { testKeyValueStore } from '../../conformance/key-value-store.ts'

testKeyValueStore('memory store', async () => createMemoryStore())
