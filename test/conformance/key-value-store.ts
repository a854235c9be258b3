/**
 * What every adapter of the key-value port must do. Spec 09-store §7.
 * Never looks behind the port.
 * @module
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { KeyValueStore, StoreOperation } from '../../src/ports/index.ts'

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function put(table: string, key: string, text: string, erasable = false): StoreOperation {
  return { type: 'put', table, key, value: bytes(text), erasable }
}

const SIZES = [0, 1, 251, 252, 253, 1_020, 1_021, 4_092, 4_093, 65_532, 65_533, 200_000]

const operationArbitrary: fc.Arbitrary<StoreOperation> = fc.oneof(
  fc.record({
    type: fc.constant('put' as const),
    table: fc.constantFrom('a', 'b'),
    key: fc.constantFrom('1', '2', '3'),
    value: fc.uint8Array({ maxLength: 300 }),
    erasable: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('delete' as const),
    table: fc.constantFrom('a', 'b'),
    key: fc.constantFrom('1', '2', '3'),
  }),
)

/** Runs the suite; `create` makes an empty store that the suite closes. */
export function testKeyValueStore(name: string, create: (context: TestContext) => Promise<KeyValueStore>): void {
  const withFresh =
    (body: (store: KeyValueStore) => Promise<void>) =>
    async (context: TestContext): Promise<void> => {
      const store = await create(context)
      try {
        await body(store)
      } finally {
        await store.close()
      }
    }

  describe(`${name}: key-value store`, () => {
    it(
      'answers undefined for what was never put',
      withFresh(async (store) => {
        assert.equal(await store.get('t', 'k'), undefined)
      }),
    )

    it(
      'returns what was put, of every size',
      withFresh(async (store) => {
        for (const size of SIZES) {
          for (const erasable of [false, true]) {
            const value = Uint8Array.from({ length: size }, (_, index) => index % 251)
            await store.batch([{ type: 'put', table: 't', key: String(size), value, erasable }])
            assert.deepEqual(await store.get('t', String(size)), value)
          }
        }
      }),
    )

    it(
      'keeps tables and keys apart, whatever their text',
      withFresh(async (store) => {
        const places = [
          ['ab', 'c'],
          ['a', 'bc'],
          ['abc', ''],
          ['a', 'b\u0000c'],
          ['ä', '\u{1f987}'],
        ] as const
        await store.batch(places.map(([table, key]) => put(table, key, `${table}|${key}`)))
        for (const [table, key] of places) assert.deepEqual(await store.get(table, key), bytes(`${table}|${key}`))
        assert.equal(await store.get('c', 'ab'), undefined)
      }),
    )

    it(
      'replaces and deletes, also between erasable and plain',
      withFresh(async (store) => {
        for (const first of [false, true]) {
          for (const second of [false, true]) {
            await store.batch([put('t', 'k', 'first', first)])
            await store.batch([put('t', 'k', 'second', second)])
            assert.deepEqual(await store.get('t', 'k'), bytes('second'))
            await store.batch([{ type: 'delete', table: 't', key: 'k' }])
            assert.equal(await store.get('t', 'k'), undefined)
          }
        }
        await store.batch([{ type: 'delete', table: 't', key: 'never put' }])
      }),
    )

    it(
      'lets the last operation on a key win within a batch',
      withFresh(async (store) => {
        await store.batch([put('t', 'a', '1'), put('t', 'a', '2', true), put('t', 'b', '1', true)])
        await store.batch([put('t', 'b', '2'), { type: 'delete', table: 't', key: 'b' }])
        assert.deepEqual(await store.get('t', 'a'), bytes('2'))
        assert.equal(await store.get('t', 'b'), undefined)
        await store.batch([{ type: 'delete', table: 't', key: 'a' }, put('t', 'a', '3')])
        assert.deepEqual(await store.get('t', 'a'), bytes('3'))
      }),
    )

    it(
      'accepts an empty batch',
      withFresh((store) => store.batch([])),
    )

    it(
      'refuses tables and values beyond the limits as a bug, and nothing of that batch is applied',
      withFresh(async (store) => {
        const large = { type: 'put', table: 't', key: 'k', value: new Uint8Array(16 * 1024 * 1024 + 1) } as const
        for (const wrong of [
          put('', 'k', 'v'),
          put('t'.repeat(65), 'k', 'v'),
          { type: 'delete', table: '', key: 'k' } as const,
          large,
        ]) {
          await assert.rejects(store.batch([put('t', 'first', 'v'), wrong]), RangeError)
          assert.equal(await store.get('t', 'first'), undefined)
        }
      }),
    )

    it(
      'copies values on the way in and on the way out',
      withFresh(async (store) => {
        for (const erasable of [false, true]) {
          const value = bytes('secret')
          const pending = store.batch([{ type: 'put', table: 't', key: 'k', value, erasable }])
          value.fill(0)
          await pending
          const got = await store.get('t', 'k')
          assert.deepEqual(got, bytes('secret'))
          got?.fill(0)
          assert.deepEqual(await store.get('t', 'k'), bytes('secret'))
        }
      }),
    )

    it(
      'applies batches in the order of the calls',
      withFresh(async (store) => {
        const all = Array.from({ length: 30 }, (_, index) =>
          store.batch([put('t', 'k', String(index), index % 2 === 0)]),
        )
        const seen = store.get('t', 'k')
        await Promise.all(all)
        assert.deepEqual(await seen, bytes('29'))
        assert.deepEqual(await store.get('t', 'k'), bytes('29'))
      }),
    )

    it(
      'keeps every live value when the erasure key is renewed, also in the middle of batches',
      withFresh(async (store) => {
        await store.batch([put('t', 'plain', 'p'), put('t', 'erasable', 'e', true), put('t', 'gone', 'g', true)])
        await store.batch([{ type: 'delete', table: 't', key: 'gone' }])
        const work = Array.from({ length: 8 }, (_, index) => [
          store.batch([put('t', `n${index}`, String(index), true)]),
          store.renewErasureKey(),
        ])
        await Promise.all(work.flat())
        assert.deepEqual(await store.get('t', 'plain'), bytes('p'))
        assert.deepEqual(await store.get('t', 'erasable'), bytes('e'))
        assert.equal(await store.get('t', 'gone'), undefined)
        for (let index = 0; index < 8; index += 1)
          assert.deepEqual(await store.get('t', `n${index}`), bytes(String(index)))
      }),
    )

    it(
      'behaves like a map',
      withFresh(async (store) => {
        const model = new Map<string, Uint8Array>()
        const batches = fc.array(
          fc.oneof(fc.array(operationArbitrary, { maxLength: 5 }), fc.constant('renew' as const)),
          { maxLength: 8 },
        )
        await fc.assert(
          fc.asyncProperty(batches, async (steps) => {
            for (const step of steps) {
              if (step === 'renew') await store.renewErasureKey()
              else {
                await store.batch(step)
                for (const operation of step) {
                  const name = `${operation.table}/${operation.key}`
                  if (operation.type === 'put') model.set(name, operation.value)
                  else model.delete(name)
                }
              }
            }
            for (const table of ['a', 'b']) {
              for (const key of ['1', '2', '3'])
                assert.deepEqual(await store.get(table, key), model.get(`${table}/${key}`))
            }
          }),
          { numRuns: 15 },
        )
      }),
    )

    it('waits for pending batches when it closes, closes once, and refuses everything afterwards', async (context) => {
      const store = await create(context)
      const pending = store.batch([put('t', 'k', 'v')])
      const read = store.get('t', 'k')
      const first = store.close()
      const second = store.close()
      await Promise.all([first, second, pending])
      assert.deepEqual(await read, bytes('v'))
      await store.close()
      await assert.rejects(store.get('t', 'k'), { code: 'STORE_CLOSED', kind: 'stopping' })
      await assert.rejects(store.batch([put('t', 'k', 'w')]), { code: 'STORE_CLOSED' })
      await assert.rejects(store.batch([]), { code: 'STORE_CLOSED' })
      await assert.rejects(store.renewErasureKey(), { code: 'STORE_CLOSED' })
    })
  })
}
