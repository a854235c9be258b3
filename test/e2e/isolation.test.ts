/**
 * The daemon needs no network: it pairs and talks in an empty network namespace, and opens unix sockets only.
 * Every proof has a control that shows that it could fail. DESIGN §4, TORNET §3.
 * @module
 */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { DaemonProcess } from '../support/daemon-process.ts'
import { createPublishedInvite, NETWORK_LIMIT_MS, startDaemon, waitFor } from '../support/daemon-process.ts'
import { emptyNetnsCommand, findUnshare } from '../support/netns.ts'
import type { TornetClient } from '../support/tornet/index.ts'
import { useTornet } from '../support/tornet/index.ts'
import type { EscapeReport } from '../support/trace.ts'
import { canTrace, escapeProbe, readTrace, runToEnd, traceCommand } from '../support/trace.ts'

const skipNamespace = (await findUnshare()) === undefined && 'needs root or user namespaces'
const skipTrace = !(await canTrace()) && 'needs strace and the right to trace'

/** A TCP and a UDP listener of this machine on one port, and what reached them. */
async function openTrap() {
  const reached = { tcp: 0, udp: 0 }
  const server = createServer((socket) => {
    reached.tcp += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const datagrams = createSocket('udp4', () => {
    reached.udp += 1
  })
  await new Promise<void>((resolve) => datagrams.bind({ address: '127.0.0.1', port }, resolve))
  return {
    port,
    reached,
    async close() {
      await new Promise((resolve) => server.close(resolve))
      await new Promise<void>((resolve) => datagrams.close(resolve))
    },
  }
}

async function probe(argv: readonly string[]): Promise<EscapeReport> {
  const { status, output } = await runToEnd(argv)
  assert.equal(status, 0)
  return JSON.parse(output) as EscapeReport
}

describe('the probe that tries to escape', () => {
  let root: string
  let trap: Awaited<ReturnType<typeof openTrap>>

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'iso-'))
    trap = await openTrap()
  })

  after(async () => {
    await trap.close()
    rmSync(root, { recursive: true })
  })

  it('gets out of a plain process (control)', async () => {
    const report = await probe(escapeProbe(trap.port))
    assert.equal(report.tcp, 'ok')
    assert.equal(report.udp, 'ok')
    await waitFor('the probe to arrive', NETWORK_LIMIT_MS, () =>
      Promise.resolve(trap.reached.tcp > 0 && trap.reached.udp > 0 ? true : undefined),
    )
  })

  it('does not get out of an empty network namespace', { skip: skipNamespace }, async () => {
    const before = { ...trap.reached }
    const report = await probe(await emptyNetnsCommand(escapeProbe(trap.port)))
    assert.equal(report.tcp, 'ENETUNREACH')
    assert.equal(report.udp, 'ENETUNREACH')
    assert.notEqual(report.lookup, 'ok')
    assert.deepEqual(trap.reached, before)
  })

  it('is seen in a trace (control)', { skip: skipTrace }, async () => {
    const log = join(root, 'probe.trace')
    await probe(traceCommand(log, escapeProbe(trap.port)))
    const trace = await readTrace(log)
    assert.ok(trace.families.has('AF_INET'))
    const calls = trace.uses.filter((use) => use.address?.includes(`htons(${trap.port})`)).map((use) => use.call)
    assert.ok(calls.includes('connect'))
    assert.ok(calls.some((call) => call.startsWith('send')))
  })
})

describe('two daemons', () => {
  const tornet = useTornet({ clients: 2 })
  const root = mkdtempSync(join(tmpdir(), 'iso-'))
  after(() => rmSync(root, { recursive: true }))

  const torOf = (client: TornetClient | undefined) => ({
    mode: 'attach',
    control: client?.controlPath,
    socks: client?.socksPath,
    onionTarget: 'unix',
  })

  /** Pairs two new daemons, sends a message each way and stops them. */
  async function converse(name: string, wrap: (side: string) => Promise<string[]>): Promise<void> {
    const daemons: DaemonProcess[] = []
    try {
      for (const [index, side] of ['alice', 'bob'].entries()) {
        const directory = join(root, `${name}-${side}`)
        daemons.push(await startDaemon({ directory, tor: torOf(tornet().clients[index]), wrapper: await wrap(side) }))
      }
      const [alice, bob] = daemons
      assert.ok(alice && bob)
      const uri = await createPublishedInvite(bob)
      const { contactId: bobAtAlice } = await alice.rpc.call('acceptInvite', { uri })
      const request = await waitFor(
        'the request',
        NETWORK_LIMIT_MS,
        async () => (await bob.rpc.call('listRequests', {}))[0],
      )
      const { contactId: aliceAtBob } = await bob.rpc.call('acceptRequest', { requestId: request.requestId })
      await alice.rpc.call('send', { recipient: bobAtAlice, message: 'to bob' })
      await bob.rpc.call('send', { recipient: aliceAtBob, message: 'to alice' })
      await awaitText(bob, aliceAtBob, 'to bob')
      await awaitText(alice, bobAtAlice, 'to alice')
      assert.deepEqual(await Promise.all(daemons.map((daemon) => daemon.stop())), [0, 0])
    } catch (error: unknown) {
      throw new Error(daemons.map((daemon) => daemon.log()).join('\n---\n'), { cause: error })
    } finally {
      await Promise.all(daemons.map((daemon) => daemon.kill()))
    }
  }

  async function awaitText(daemon: DaemonProcess, contactId: string, text: string): Promise<void> {
    await waitFor(`"${text}"`, NETWORK_LIMIT_MS, async () => {
      const page = await daemon.rpc.call('listMessages', { recipient: contactId })
      return JSON.stringify(page).includes(`"${text}"`) ? true : undefined
    })
  }

  it('pair and talk without any network but files', { skip: skipNamespace }, async () => {
    await converse('netns', () => emptyNetnsCommand([]))
  })

  it('open no socket but those of DESIGN §4', { skip: skipTrace }, async () => {
    const logOf = (side: string): string => join(root, `${side}.trace`)
    await converse('trace', (side) => Promise.resolve(traceCommand(logOf(side), [])))
    for (const [index, side] of ['alice', 'bob'].entries()) {
      const trace = await readTrace(logOf(side))
      const client = tornet().clients[index]
      assert.ok(client)
      assert.ok(trace.callCount > 0)
      assert.deepEqual([...trace.families], ['AF_UNIX'])
      // The control: it saw the sockets that must be there. Only the one that accepts an invite dials.
      const needed = side === 'alice' ? [client.controlPath, client.socksPath] : [client.controlPath]
      for (const path of needed) assert.ok(trace.unixPaths.has(path), path)
      const own = join(root, `trace-${side}`)
      const known = [client.controlPath, client.socksPath]
      const foreign = [...trace.unixPaths].filter((path) => !known.includes(path) && !path.startsWith(`${own}/`))
      assert.deepEqual(foreign, [])
    }
  })
})
