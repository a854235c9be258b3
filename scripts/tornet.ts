/**
 * Keeps a private Tor network running for manual play, until Ctrl-C. `npm run tornet [-- --clients 3]`
 * Never touches the real Tor network, nor any other tor on this machine.
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Tornet } from '../test/support/tornet/index.ts'
import { startTornet, TORNET_VARIABLE } from '../test/support/tornet/index.ts'

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function describe(tornet: Tornet): string[] {
  const clients = tornet.clients.flatMap((client, index) => [
    `  client ${index}`,
    `    control  ${client.controlPath}   (cookie ${client.cookiePath})`,
    `    socks    ${client.socksPath}`,
  ])
  return [
    `A private Tor network is running: 1 authority, relays, ${tornet.clients.length} clients.`,
    '',
    ...clients,
    '',
    `Everything of it is in ${tornet.directory}; it goes with the network.`,
    `Test files use it when they find it in the environment:`,
    '',
    `  export ${TORNET_VARIABLE}=${tornet.directory}`,
  ]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      relays: { type: 'string', default: '4' },
      clients: { type: 'string', default: '2' },
      quickack: { type: 'boolean', default: false },
    },
  })
  const interrupted = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        interrupted.abort()
        resolve()
      })
    }
  })
  print('Starting a private Tor network; this takes about ten seconds.')
  let tornet: Tornet
  try {
    tornet = await startTornet({
      relays: Number(values.relays),
      clients: Number(values.clients),
      namespace: values.quickack ? 'quickack' : 'host',
      signal: interrupted.signal,
      handleSignals: false,
    })
  } catch (error: unknown) {
    if (!interrupted.signal.aborted) throw error
    print('Interrupted; nothing is left.')
    return
  }
  print(`Up in ${seconds(tornet.timings.totalMs)}.`, '', ...describe(tornet), '', ...writeDaemonExamples(tornet))
  // Sockets and children of the network keep the process alive until then.
  const keepAlive = setInterval(() => undefined, 2 ** 30)
  await stopped
  clearInterval(keepAlive)
  print('', 'Stopping.')
  await tornet.stop()
  print('Stopped; nothing is left.')
}

/** Two daemons that bring their own tor into this network; their files go with it as well. */
function writeDaemonExamples(tornet: Tornet): string[] {
  const commands = ['alice', 'bob'].map((name) => {
    const directory = join(tornet.directory, name)
    mkdirSync(directory, { mode: 0o700 })
    const config = {
      dataDirectory: join(directory, 'data'),
      socketPath: join(directory, 'rpc', 'socket'),
      keyFile: join(directory, 'key'),
      tor: { mode: 'child' },
      unsafe: { torrcLines: tornet.clientTorrcLines() },
    }
    writeFileSync(join(directory, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`)
    const daemon = [process.execPath, 'dist/daemon/main.js', 'daemon', '--config', join(directory, 'config.json')]
    return `  ${tornet.commandInside(daemon).join(' ')}`
  })
  const [alice = '', bob = ''] = ['alice', 'bob'].map((name) => join(tornet.directory, name, 'rpc', 'socket'))
  return [
    'Two daemons, each with a tor of its own in this network (one terminal each):',
    '',
    ...commands,
    '',
    'Then, for instance:',
    '',
    `  ${process.execPath} dist/daemon/main.js create-invite --socket ${alice}`,
    `  ${process.execPath} dist/daemon/main.js accept-invite --socket ${bob} 'noctule:…'`,
    `  ${process.execPath} dist/daemon/main.js list-requests --socket ${alice}`,
    '',
    'Ctrl-C ends the network.',
  ]
}

await main()
