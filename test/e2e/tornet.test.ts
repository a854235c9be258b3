/**
 * The private Tor network carries onion streams, takes members from outside, and leaves nothing behind.
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { createEd25519Seed, ed25519PublicKey } from '../../src/crypto/index.ts'
import { connectControl } from '../../src/tor/index.ts'
import { onionAddress } from '../../src/wire/index.ts'
import { TOR_LIMIT_MS } from '../support/attached-tor.ts'
import type { TestOnion, Tornet, TornetClient } from '../support/tornet/index.ts'
import {
  attachTornet,
  dialTestOnion,
  processesOf,
  publishTestOnion,
  readExactly,
  sharedTornet,
  startTornet,
  TORNET_VARIABLE,
  useTornet,
  waitFor,
} from '../support/tornet/index.ts'

function client(tornet: Tornet, index: number): TornetClient {
  const found = tornet.clients[index]
  assert.ok(found)
  return found
}

async function assertEcho(from: TornetClient, onion: TestOnion, bytes: Buffer): Promise<void> {
  const socket = await dialTestOnion(from, onion.address, 'echo')
  try {
    socket.write(bytes)
    assert.deepEqual(await readExactly(socket, bytes.length), bytes)
  } finally {
    socket.destroy()
  }
}

describe('a private Tor network', () => {
  const tornet = useTornet()
  let directory: string
  let server: Server
  let onion: TestOnion

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'echo-'))
    server = createServer((socket) => pipeline(socket, socket, () => undefined))
    await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve))
    onion = await publishTestOnion(client(tornet(), 0), join(directory, 's'))
  })

  after(async () => {
    await onion.close()
    server.close()
    rmSync(directory, { recursive: true })
  })

  it('carries bytes from one client to an onion service of another and back', async () => {
    await assertEcho(client(tornet(), 1), onion, Buffer.from('a few bytes'))
    await assertEcho(client(tornet(), 1), onion, Buffer.alloc(100_000, 'many cells '))
  })

  it('does not reach an onion that nobody has published (control)', async () => {
    const nobody = onionAddress(ed25519PublicKey(createEd25519Seed()))
    // "Descriptor not found", tor's extended SOCKS reply.
    await assert.rejects(dialTestOnion(client(tornet(), 1), nobody, 'nobody'), { socksReply: 0xf0 })
  })

  it('keeps the links between its servers busy: circuits through all of them come and go', async () => {
    const control = await connectControl({ path: join(tornet().directory, 'relay-00', 'control') })
    try {
      await control.authenticate()
      const made = async (): Promise<string | undefined> => {
        const { lines } = await control.request('GETINFO circuit-status')
        const all = lines.flatMap((line) => (line.data ?? line.text).split('\n'))
        // What tor builds by itself has another purpose and three hops.
        return all.find((line) => /BUILT (\$\w+~\w+,){3}\$\w+~\w+ PURPOSE=GENERAL/.test(line))
      }
      const soon = { what: 'a circuit of the pulse', deadlineMs: performance.now() + TOR_LIMIT_MS }
      const first = await waitFor(made, soon)
      for (const server of ['auth0', 'relay01', 'relay02', 'relay03']) assert.ok(first.includes(`~${server}`), first)
      await waitFor(async () => {
        const next = await made()
        return next !== undefined && next !== first
      }, soon)
    } finally {
      await control.close()
    }
  })

  it('takes further clients, and loses the ones that are stopped', async () => {
    const carol = await tornet().addClient()
    await assertEcho(carol, onion, Buffer.from('from carol'))
    await carol.stop()
    await assert.rejects(dialTestOnion(carol, onion.address, 'gone'))
  })

  it('can be joined by its directory, and survives the leaving', async () => {
    const joined = attachTornet(tornet().directory)
    const dave = await joined.addClient()
    await assertEcho(dave, onion, Buffer.from('from dave'))
    await joined.stop()
    await assert.rejects(dialTestOnion(dave, onion.address, 'gone'))
    await assertEcho(client(tornet(), 1), onion, Buffer.from('still there'))
  })

  it('is used by other test files that find it in the environment', async () => {
    const before = process.env[TORNET_VARIABLE]
    process.env[TORNET_VARIABLE] = tornet().directory
    try {
      const joined = await sharedTornet({ clients: 2 })
      assert.equal(joined.directory, tornet().directory)
      await joined.stop()
    } finally {
      if (before === undefined) delete process.env[TORNET_VARIABLE]
      else process.env[TORNET_VARIABLE] = before
    }
    assert.equal(existsSync(tornet().directory), true)
  })
})

describe('the end of a private Tor network', () => {
  it('leaves no process and no file, also with a client that was added', async () => {
    const tornet = await startTornet({ clients: 1 })
    await tornet.addClient()
    // The control: both ways of looking see it while it runs.
    assert.equal(processesOf(tornet.directory).length, 1 + 4 + 2)
    assert.ok(readdirSync(tornet.directory).includes('auth0'))
    await Promise.all([tornet.stop(), tornet.stop()])
    assert.deepEqual(processesOf(tornet.directory), [])
    assert.equal(existsSync(tornet.directory), false)
  })

  it('comes with a failed start, too, and the report shows the logs', async () => {
    const seen: string[] = []
    await assert.rejects(startTornet({ bootTimeoutMs: 1 }), (error: Error) => {
      seen.push(error.message)
      return true
    })
    const directory = /--- (\S+)\/auth0/.exec(seen[0] ?? '')?.[1]
    assert.ok(directory, seen[0])
    assert.deepEqual(processesOf(directory), [])
    assert.equal(existsSync(directory), false)
  })

  it('comes with an aborted start', async () => {
    const controller = new AbortController()
    const start = startTornet({ signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    await assert.rejects(start, /changed my mind/)
  })
})
