/**
 * No code path from what a front end asks for to a socket. The other half of the proof runs the calls:
 * test/scenario/no-path-to-a-socket.test.ts.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findWay, loadedBy, SOCKET_MODULES, socketCalls } from './socket-paths.ts'
import { assertNone, readSource, repositoryPaths, type SourceFile } from './support.ts'

const sources = repositoryPaths().filter((path) => /^src\/.*\.ts$/.test(path))
const files = new Map(sources.map((path) => [path, readSource(path)]))
const fileOf = (path: string): SourceFile => files.get(path) ?? assert.fail(`${path} is not there`)
const within = (...folders: readonly string[]): string[] =>
  sources.filter((path) => folders.some((folder) => path.startsWith(`${folder}/`)))

const LIVE_CLOCK = 'src/messenger/live-clock.ts'
const MESSENGER = 'src/messenger/messenger.ts'

/** Everything of the messenger but the clock that runs by itself, what it runs, and where all is put together. */
const useCases = within('src/messenger').filter(
  (path) => !SOCKET_MODULES.has(path) && ![LIVE_CLOCK, MESSENGER, 'src/messenger/index.ts'].includes(path),
)
/** Modules of the mailbox client that its face hands calls to: they only remember. */
const REMEMBERING = ['src/mailbox/client/host-book.ts', 'src/mailbox/poller.ts', 'src/mailbox/client/profile-clock.ts']

const near = new Set([...SOCKET_MODULES.keys(), LIVE_CLOCK].filter((path) => !path.startsWith('src/mailbox/host/')))

const sample = (path: string, text: string): SourceFile => ({ path, text })

describe('calls of a network or a link', () => {
  it('are found (control)', () => {
    for (const line of [
      'await context.deps.network.dial(options)',
      'const listener = await network.listen({})',
      'await link.send(record)',
      'entry.openLink.send(x)',
      'lane.send(record)',
      'void mesh.request(a, b)',
    ]) {
      assert.equal(socketCalls(sample('src/messenger/a.ts', `${line}\n`)).length, 1, line)
    }
    for (const line of ['messenger.send(options)', '// link.send(x)', 'getRecord(store, TABLE.message)']) {
      assert.deepEqual(socketCalls(sample('src/messenger/a.ts', `${line}\n`)), [], line)
    }
  })

  it('are made by a short list of modules only', () => {
    const callers = within('src/messenger', 'src/mailbox').filter((path) => socketCalls(fileOf(path)).length > 0)
    assert.deepEqual(callers.sort(), [...SOCKET_MODULES.keys()].sort())
  })

  it('are made by no module of the RPC or of the command line', () => {
    const looked = within('src/rpc', 'src/cli')
    assert.ok(looked.length > 40)
    // Sockets of the RPC itself are unix sockets, and the command line is their client.
    const network = /\bRecordNetwork\b|\bTorProvider\b|\bHostMesh\b|\bRecordLink\b/
    assertNone(looked.filter((path) => network.test(fileOf(path).text)))
  })
})

describe('imports', () => {
  it('are followed (control)', () => {
    const planted = new Map(
      [
        sample('src/messenger/book.ts', "import { a } from './helper.ts'\n"),
        sample('src/messenger/helper.ts', "import type { B } from './far.ts'\nexport { b } from './runner.ts'\n"),
        sample('src/messenger/far.ts', "import { b } from './runner.ts'\n"),
        sample('src/messenger/lazy.ts', "const { b } = await import('./runner.ts')\n"),
        sample('src/messenger/types.ts', "import { type B,\n  type C } from './runner.ts'\n"),
      ].map((file) => [file.path, file]),
    )
    const to = new Set(['src/messenger/runner.ts'])
    assert.deepEqual(findWay(planted, ['src/messenger/book.ts'], to), [
      'src/messenger/book.ts',
      'src/messenger/helper.ts',
      'src/messenger/runner.ts',
    ])
    assert.ok(findWay(planted, ['src/messenger/lazy.ts'], to))
    assert.equal(findWay(planted, ['src/messenger/types.ts'], to), undefined)
    // And in the repository: the live clock does come near.
    assert.ok(findWay(files, [LIVE_CLOCK], new Set(SOCKET_MODULES.keys())))
    assert.ok(findWay(files, ['src/mailbox/client/epochs.ts'], near))
  })

  it('lead from no use-case of the messenger to a module that reaches sockets', () => {
    assert.ok(useCases.includes('src/messenger/contact-book.ts') && useCases.length > 15)
    // By way of the mailboxes' face everything could be loaded; what is called of it is the next test.
    const inside = new Map([...files].filter(([path]) => path.startsWith('src/messenger/')))
    for (const path of useCases) assert.deepEqual(findWay(inside, [path], near) ?? [], [], path)
  })

  it('lead from what the mailbox client remembers to no module that reaches sockets', () => {
    for (const path of REMEMBERING) assert.deepEqual(findWay(files, [path], near) ?? [], [], path)
  })

  it('bring the network to the live clock only, and the live clock to the start only', () => {
    const takers = within('src/messenger').filter((path) =>
      /\bdeps\.network\b|\bRecordNetwork\b/.test(fileOf(path).text),
    )
    assert.deepEqual(takers.sort(), [
      'src/messenger/context.ts',
      'src/messenger/lane-runner.ts',
      LIVE_CLOCK,
      MESSENGER,
      'src/messenger/rendezvous.ts',
    ])
    assert.deepEqual(
      sources.filter((path) => loadedBy(fileOf(path)).includes(LIVE_CLOCK)),
      [MESSENGER],
    )
    const uses = [...fileOf(MESSENGER).text.matchAll(/\bliveClock\b[.\w]*/g)].map(([use]) => use)
    assert.deepEqual(uses, ['liveClock', 'liveClock.start', 'liveClock.stop'])
    assert.match(fileOf('src/messenger/context.ts').text, /deps: Omit<MessengerDeps, 'network' \| 'createMailbox'>/)
  })

  it('of transport and tor stand in the daemon only', () => {
    const looked = within('src/rpc', 'src/messenger', 'src/mailbox', 'src/padding', 'src/cli')
    const problems = looked.flatMap((path) =>
      loadedBy(fileOf(path))
        .filter((target) => /^src\/(?:transport|tor)\//.test(target))
        .map((target) => `${path}: ${target}`),
    )
    assertNone(problems)
    const control = within('src/daemon').flatMap((path) => loadedBy(fileOf(path)))
    assert.ok(control.some((target) => target.startsWith('src/transport/')))
  })
})
