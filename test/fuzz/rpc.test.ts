import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { METHODS } from '../../src/rpc/index.ts'
import { createLineFramer } from '../../src/rpc/line-framer.ts'
import { parseRequest } from '../../src/rpc/request.ts'
import { fitsSchema, toJsonSchema } from '../../src/rpc/schema/index.ts'
import type { RawClient } from '../support/rpc-fixture.ts'
import { at, startRpc } from '../support/rpc-fixture.ts'

const CONTACT = 'c'.repeat(32)
const MIB = 1_048_576
const RUNS = { numRuns: 400 }

const VALID = METHODS.filter(({ name }) => name !== 'shutdown').map(({ name, example }) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: name, params: example.params })),
)
const valid = fc.constantFrom(...VALID)

/** The daemon still answers this client, and the lines before it have been dealt with. */
async function assertAlive(client: RawClient): Promise<readonly unknown[]> {
  const before: unknown[] = []
  client.write('\n')
  client.send({ jsonrpc: '2.0', id: 'alive', method: 'version' })
  for (;;) {
    const line = await client.next()
    assert.notEqual(line, undefined, 'the server hung up')
    if (at(line, 'id') === 'alive') return before
    before.push(line)
  }
}

/** Every answer to garbage is a JSON-RPC answer, and none is a failure that nobody foresaw. */
function assertAnswers(lines: readonly unknown[]): void {
  for (const line of lines.flat()) {
    assert.equal(at(line, 'jsonrpc'), '2.0')
    assert.notEqual(at(line, 'error', 'code'), -32603)
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes that something still refers to, on the heap and outside it. */
function liveBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const without = (byte: number) => (bytes: Uint8Array) => bytes.map((one) => (one === byte ? 0x20 : one))

describe('RPC lines', () => {
  it('survive truncation, flipped bits, trailing and arbitrary bytes', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const mutated = fc.oneof(
      fc.tuple(valid, fc.nat()).map(([line, cut]) => line.subarray(0, cut % line.length)),
      fc.tuple(valid, fc.array(fc.nat(), { minLength: 1, maxLength: 4 })).map(([line, bits]) => {
        const copy = Buffer.from(line)
        for (const bit of bits) {
          const index = (bit >> 3) % copy.length
          copy[index] = (copy[index] ?? 0) ^ (1 << (bit & 7))
        }
        return copy
      }),
      fc.tuple(valid, fc.uint8Array({ minLength: 1, maxLength: 9 })).map(([line, tail]) => Buffer.concat([line, tail])),
      fc.uint8Array({ maxLength: 200 }),
    )
    await fc.assert(
      fc.asyncProperty(mutated.map(without(0x0a)), async (line) => {
        client.write(line)
        assertAnswers(await assertAlive(client))
      }),
      RUNS,
    )
  })

  it('survive any JSON, as request, as parameters, in batches', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const names = fc.constantFrom(...METHODS.map(({ name }) => name).filter((name) => name !== 'shutdown'))
    const key = fc.constantFrom('__proto__', 'constructor', 'toString', 'recipient', 'uri', 'since', 'client', 'limit')
    const params = fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()))
    const request = fc.record({ jsonrpc: fc.constant('2.0'), id: fc.jsonValue({ maxDepth: 1 }), method: names, params })
    const line = fc.oneof(fc.jsonValue(), request, fc.array(request, { maxLength: 5 }))
    await fc.assert(
      fc.asyncProperty(line, async (value) => {
        client.send(value)
        assertAnswers(await assertAlive(client))
      }),
      RUNS,
    )
    assert.equal(Object.keys(Object.prototype).length, 0)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  const HOSTILE: readonly (readonly [string, string])[] = [
    ['lists in lists', '['.repeat(MIB - 1)],
    ['closed lists in lists', '['.repeat(MIB / 2 - 1) + ']'.repeat(MIB / 2 - 1)],
    ['objects in objects', '{"a":'.repeat(200_000)],
    [
      'closed objects in objects as parameters',
      `{"jsonrpc":"2.0","id":1,"method":"version","params":${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}}`,
    ],
    ['a list of a million', `[${'1,'.repeat(MIB / 2 - 2)}1]`],
    ['a huge number', `{"jsonrpc":"2.0","id":${'9'.repeat(900_000)},"method":"version"}`],
    ['a number without end', '{"jsonrpc":"2.0","id":1,"method":"listMessages","params":{"limit":1e99999}}'],
    ['a tiny number', `{"jsonrpc":"2.0","id":1e-99999,"method":"version"}`],
    ['a long id', `{"jsonrpc":"2.0","id":"${'x'.repeat(900_000)}","method":"version"}`],
    ['a long method', `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(900_000)}"}`],
    ['a long name of a parameter', `{"jsonrpc":"2.0","id":1,"method":"version","params":{"${'x'.repeat(900_000)}":1}}`],
    [
      'many parameters',
      `{"jsonrpc":"2.0","id":1,"method":"version","params":{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join(',')}}}`,
    ],
    [
      'a long text for a pattern',
      `{"jsonrpc":"2.0","id":1,"method":"block","params":{"recipient":"${'a'.repeat(900_000)}"}}`,
    ],
    ['a __proto__ with a method', '{"__proto__":{"jsonrpc":"2.0","id":1,"method":"version"}}'],
    ['lone surrogates', '{"jsonrpc":"2.0","id":1,"method":"acceptInvite","params":{"uri":"noctule:\\ud800"}}'],
    ['carriage returns', '\r\r\r'],
    ['zeros', '\0'.repeat(1_000)],
  ]
  for (const [what, line] of HOSTILE) {
    it(`survive ${what}`, async (context) => {
      const client = await (await startRpc(context)).connect()
      client.write(line)
      const answers = await assertAlive(client)
      assert.ok(answers.length > 0)
      assertAnswers(answers)
      // Whatever came in, what goes out is small.
      assert.ok(JSON.stringify(answers).length < 2_000)
    })
  }

  it('take the same memory however long a line is', async (context) => {
    const { connect, server } = await startRpc(context)
    const client = await connect()
    const chunk = Buffer.alloc(MIB, 0x20)
    const before = liveBytes()
    let peak = 0
    for (let count = 0; count < 64; count += 1) {
      await new Promise((resolve) => {
        client.socket.write(chunk, resolve)
      })
      peak = Math.max(peak, liveBytes() - before)
    }
    assert.ok(peak < 8 * MIB, `${Math.round(peak / MIB)} MiB of 64 were held`)
    const answers = await assertAlive(client)
    assert.deepEqual(
      answers.map((answer) => at(answer, 'error', 'data', 'code')),
      ['RPC_LINE_TOO_LONG'],
    )
    assert.equal(server.stats().bufferedBytes, 0)
  })

  it('take the same memory when a line comes byte by byte', () => {
    const framer = createLineFramer(MIB)
    const piece = (): Uint8Array => Uint8Array.of(0x20)
    const before = liveBytes()
    for (let count = 0; count < 300_000; count += 1) framer.push(piece())
    assert.ok(liveBytes() - before < 4 * MIB)
    assert.equal(framer.push(Buffer.from('\n')).length, 1)
  })

  it('would take all of it without the bound (control)', () => {
    const before = liveBytes()
    const framer = createLineFramer(Number.MAX_SAFE_INTEGER)
    const chunk = Buffer.alloc(MIB, 0x20)
    for (let count = 0; count < 64; count += 1) assert.deepEqual(framer.push(chunk), [])
    assert.ok(liveBytes() - before >= 48 * MIB)
    const [line] = framer.push(Buffer.from('\n'))
    assert.equal(line?.kind === 'line' ? line.bytes.length : 0, 64 * MIB)
  })
})

describe('RPC decoders', () => {
  it('never throw and never take more than they describe', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (value) => {
        const parsed = parseRequest(value)
        if (parsed.ok) assert.equal(typeof parsed.request.method, 'string')
        for (const { params, result } of METHODS) {
          fitsSchema(params, value)
          fitsSchema(result, value)
        }
      }),
      RUNS,
    )
  })

  it('describe themselves in JSON', () => {
    for (const { params, result } of METHODS) {
      for (const schema of [params, result]) assert.doesNotThrow(() => JSON.stringify(toJsonSchema(schema, new Map())))
    }
  })
})
