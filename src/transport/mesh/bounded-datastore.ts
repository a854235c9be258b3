/**
 * Where libp2p keeps the peers of a mesh and the records of its DHT: in memory, and so many at most.
 * Never on disk, and never anything else: provider records are dropped. Spec 01a-transport §8.4.
 * @module
 */
import { NotFoundError } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import { MESH_RECORDS_MAX_COUNT, MESH_STORED_PEERS_MAX_COUNT } from './options.ts'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Query = Parameters<Datastore['query']>[0]
type KeyQuery = Parameters<Datastore['queryKeys']>[0]
interface Pair {
  readonly key: Key
  readonly value: Uint8Array
}

/** What is kept, by the beginning of its key, and how many. */
const SHELVES: readonly (readonly [prefix: string, maxCount: number])[] = [
  ['/peers/', MESH_STORED_PEERS_MAX_COUNT],
  ['/dht/record/', MESH_RECORDS_MAX_COUNT],
]

/** Beyond its number a shelf loses what was not used for longest. */
export function createBoundedDatastore(shelves = SHELVES): Datastore {
  const kept = shelves.map(([prefix, maxCount]) => ({ prefix, maxCount, pairs: new Map<string, Pair>() }))
  const shelfOf = (name: string): (typeof kept)[number] | undefined =>
    kept.find(({ prefix }) => name.startsWith(prefix))

  const put = (key: Key, value: Uint8Array): Key => {
    const name = key.toString()
    const shelf = shelfOf(name)
    if (shelf === undefined) return key
    shelf.pairs.delete(name)
    shelf.pairs.set(name, { key, value: Uint8Array.from(value) })
    const [oldest] = shelf.pairs.keys()
    if (shelf.pairs.size > shelf.maxCount && oldest !== undefined) shelf.pairs.delete(oldest)
    return key
  }
  const get = (key: Key): Uint8Array => {
    const name = key.toString()
    const pairs = shelfOf(name)?.pairs
    const pair = pairs?.get(name)
    if (pairs === undefined || pair === undefined) throw new NotFoundError('not found')
    pairs.delete(name)
    pairs.set(name, pair)
    return Uint8Array.from(pair.value)
  }
  const remove = (key: Key): void => void shelfOf(key.toString())?.pairs.delete(key.toString())
  const all = (prefix = ''): Pair[] =>
    kept.flatMap(({ pairs }) => [...pairs.values()]).filter(({ key }) => key.toString().startsWith(prefix))

  function* search({ prefix, filters = [], orders = [], offset = 0, limit }: Query): Generator<Pair> {
    const found = all(prefix).filter((pair) => filters.every((filter) => filter(pair)))
    for (const order of orders) found.sort(order)
    yield* found.slice(offset, limit === undefined ? undefined : offset + limit)
  }
  function* searchKeys({ prefix, filters = [], orders = [], offset = 0, limit }: KeyQuery): Generator<Key> {
    const found = all(prefix)
      .map(({ key }) => key)
      .filter((key) => filters.every((filter) => filter(key)))
    for (const order of orders) found.sort(order)
    yield* found.slice(offset, limit === undefined ? undefined : offset + limit)
  }

  return {
    has: (key) => shelfOf(key.toString())?.pairs.has(key.toString()) === true,
    put,
    get,
    delete: remove,
    async *putMany(source) {
      for await (const { key, value } of source) yield put(key, value)
    },
    async *getMany(source) {
      for await (const key of source) yield { key, value: get(key) }
    },
    async *deleteMany(source) {
      for await (const key of source) {
        remove(key)
        yield key
      }
    },
    batch() {
      const steps: (() => void)[] = []
      return {
        put: (key, value) => void steps.push(() => put(key, value)),
        delete: (key) => void steps.push(() => remove(key)),
        commit() {
          for (const step of steps.splice(0)) step()
        },
      }
    },
    query: search,
    queryKeys: searchKeys,
  }
}
