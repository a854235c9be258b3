/**
 * Rules about single files, each with samples that it must flag and samples that it must leave alone.
 * Never a rule without a planted violation: a rule that cannot fire is found by its own test.
 * @module
 */
import { folderOf, lineAt, type SourceFile, withoutComments } from './support.ts'

export interface SourceRule {
  readonly name: string
  /** Which files it looks at. */
  readonly covers: (path: string) => boolean
  /** What is wrong with the file, one line each. */
  readonly find: (file: SourceFile) => string[]
  readonly planted: readonly SourceFile[]
  readonly innocent: readonly SourceFile[]
}

const isSource = (path: string): boolean => /^src\/.*\.ts$/.test(path)
const isCode = (path: string): boolean => /^(src|test|scripts|simulations)\/.*\.(ts|mjs|js)$/.test(path)
/** Code that ships or that people run; tests may hold bad values on purpose. */
const isRun = (path: string): boolean => /^(src|scripts|simulations|test\/support)\/.*\.(ts|mjs)$/.test(path)
const isText = (path: string): boolean => !/\.(svg|png|gz|bin|pcap)$/.test(path) && path !== 'package-lock.json'

const sample = (path: string, text: string): SourceFile => ({ path, text })

/** A finder for every match of `pattern`, in code only or in the whole text. */
function matches(pattern: RegExp, what: string, inComments = false): (file: SourceFile) => string[] {
  return ({ text }) => {
    const searched = inComments ? text : withoutComments(text)
    return [...searched.matchAll(pattern)].map(
      (hit) => `line ${lineAt(searched, hit.index)}: ${what} (${hit[0].trim()})`,
    )
  }
}

/** Bare module names that a file imports, exports from or loads, with their line. */
function importsOf(text: string): { name: string; line: number }[] {
  const code = withoutComments(text)
  const pattern = /(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)'([^'.][^']*)'/g
  return [...code.matchAll(pattern)].map((hit) => ({ name: hit[1] ?? '', line: lineAt(code, hit.index) }))
}

/** Where each package is at home. HOUSE: one home each, so that replacing it touches one folder. */
const PACKAGE_HOMES: readonly (readonly [pattern: RegExp, home: string])[] = [
  [/^@noble\//, 'crypto'],
  [/^(libp2p|@libp2p\/.+|@multiformats\/multiaddr|uint8arraylist)$/, 'transport'],
  [/^level$/, 'store'],
  [/^msgpackr$/, 'wire'],
  [/^socks$/, 'tor'],
  [/^qrcode$/, 'cli'],
]

function findHomeless({ path, text }: SourceFile): string[] {
  return importsOf(text).flatMap(({ name, line }) => {
    if (name.startsWith('node:')) return []
    const home = PACKAGE_HOMES.find(([pattern]) => pattern.test(name))?.[1]
    if (home === folderOf(path)) return []
    return [`line ${line}: ${name} is at home in ${home === undefined ? 'no folder' : `src/${home}`}`]
  })
}

/** Who may use which module of Node; a module that is not listed may be used by nobody. */
const NODE_MODULES: Readonly<Record<string, RegExp>> = {
  'node:net': /^src\/(tor|rpc|transport|daemon)\//,
  'node:child_process': /^src\/tor\//,
  'node:fs': /^src\/(store|tor|rpc|daemon)\//,
  'node:fs/promises': /^src\/(store|tor|rpc|daemon)\//,
  'node:os': /^src\/(store|tor|rpc|daemon)\//,
  'node:path': /^src\/(store|tor|rpc|cli|daemon)\//,
  // Below the composition root: randomness, and the keyed hash of tor's SAFECOOKIE, which may not import src/crypto.
  'node:crypto': /^src\/(crypto\/|daemon\/system\.ts$|tor\/|transport\/)/,
  // Who owns the directory of the socket is a question to the process, not to the system's name service.
  'node:process': /^src\/rpc\/socket-path\.ts$/,
  'node:buffer': /^src\//,
  'node:events': /^src\//,
  'node:stream': /^src\//,
  'node:util': /^src\//,
  'node:readline': /^src\/(cli|daemon)\//,
  'node:readline/promises': /^src\/(cli|daemon)\//,
}

function findForeignNodeModules({ path, text }: SourceFile): string[] {
  return importsOf(text).flatMap(({ name, line }) => {
    if (!name.startsWith('node:') || NODE_MODULES[name]?.test(path) === true) return []
    return [`line ${line}: ${name} may not be used here`]
  })
}

function findHeader({ path, text }: SourceFile): string[] {
  const header = /^(?:#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(text)?.[1]
  if (header === undefined) return ['there is no header comment on top']
  const problems: string[] = []
  if (!header.includes('@module')) problems.push('the header has no @module')
  const isIndex = path.endsWith('/index.ts')
  if (!isIndex && !/(^|[.:;]\s+|\*\s+)Never\s/m.test(header))
    problems.push('the header has no sentence beginning "Never"')
  return problems
}

const CODE_LINES_MAX_COUNT = 400

function findLength({ text }: SourceFile): string[] {
  const count = withoutComments(text)
    .split('\n')
    .filter((line) => line.trim() !== '').length
  return count > CODE_LINES_MAX_COUNT ? [`${count} lines of code; split it by concept`] : []
}

const RAW_CLOCK =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\.(?:hrtime|env|argv|stdout|stderr)\b|\bconsole\./g

export const SOURCE_RULES: readonly SourceRule[] = [
  {
    name: 'clock, randomness, timers and the process are injected below the adapters',
    covers: (path) => isSource(path) && !/^src\/(daemon|store|tor|transport)\//.test(path),
    find: matches(RAW_CLOCK, 'use a port'),
    planted: [
      sample('src/wire/a.ts', 'const now = Date.now()\n'),
      sample('src/wire/a.ts', 'const now = new Date()\n'),
      sample('src/session/a.ts', 'const x = Math.random()\n'),
      sample('src/padding/a.ts', 'setTimeout(f, 5)\n'),
      sample('src/rpc/a.ts', "const home = process.env['HOME']\n"),
    ],
    innocent: [sample('src/wire/a.ts', '// Not Date.now(): the clock is a port.\nconst now = clock.nowMs()\n')],
  },
  {
    name: 'nothing chooses numbers by Math.random, and nobody prints to the console',
    covers: isSource,
    find: matches(/\bMath\.random\b|\bconsole\./g, 'use the random port, the logger port'),
    planted: [sample('src/tor/a.ts', 'x = Math.random()\n'), sample('src/daemon/a.ts', "console.log('x')\n")],
    innocent: [sample('src/tor/a.ts', 'x = random.uniform()\n')],
  },
  {
    name: 'packages stay at home',
    covers: isSource,
    find: findHomeless,
    planted: [
      sample('src/session/a.ts', "import { x25519 } from '@noble/curves/ed25519.js'\n"),
      sample('src/messenger/a.ts', "import { createLibp2p } from 'libp2p'\n"),
      sample('src/messenger/a.ts', "const { Level } = await import('level')\n"),
      sample('src/rpc/a.ts', "export { pack } from 'msgpackr'\n"),
      sample('src/wire/a.ts', "import left from 'left-pad'\n"),
    ],
    innocent: [
      sample('src/crypto/a.ts', "import { x25519 } from '@noble/curves/ed25519.js'\n"),
      sample('src/transport/a.ts', "import { noise } from '@libp2p/noise'\nimport { a } from '../base/index.ts'\n"),
    ],
  },
  {
    name: 'modules of Node stay in the folders that need them, and network modules beside node:net in none',
    covers: isSource,
    find: findForeignNodeModules,
    planted: [
      sample('src/tor/a.ts', "import { lookup } from 'node:dns'\n"),
      sample('src/transport/a.ts', "import { request } from 'node:http'\n"),
      sample('src/rpc/a.ts', "const tls = await import('node:tls')\n"),
      sample('src/messenger/a.ts', "import { connect } from 'node:net'\n"),
      sample('src/session/a.ts', "import { createHash } from 'node:crypto'\n"),
      sample('src/rpc/a.ts', "import { env } from 'node:process'\n"),
    ],
    innocent: [sample('src/tor/a.ts', "import { connect } from 'node:net'\n")],
  },
  {
    name: 'no API that could reach the clear network is called',
    covers: isRun,
    find: matches(
      /\bfetch\s*\(|\bhttps?\.(?:request|get)\b|\bdns\.(?:lookup|resolve)\w*|\bnew (?:WebSocket|EventSource|XMLHttpRequest)\b|['"`]https?:\/\//g,
      'Tor is the only way out',
    ),
    planted: [
      sample('src/cli/a.ts', "await fetch('x')\n"),
      sample('src/tor/a.ts', 'dns.lookup(name)\n'),
      sample('src/tor/a.ts', 'http.request(options)\n'),
      sample('scripts/a.ts', 'const at = "https://example.org"\n'),
    ],
    innocent: [sample('src/cli/a.ts', '// We never call fetch(url).\nconst prefetched = prefetchAll()\n')],
  },
  {
    name: 'addresses are literal 127.0.0.1',
    covers: isRun,
    find: matches(
      /\blocal[h]ost\b|(?<![\w:]):{2}1(?![\w:])|\b0\.0\.0\.0\b/g,
      'names resolve, other addresses listen too wide',
    ),
    planted: [
      sample('src/tor/a.ts', "const host = 'local\u0068ost'\n"),
      sample('src/rpc/a.ts', "listen('[:\u003a1]')\n"),
      sample('scripts/a.ts', "listen('0\u002e0.0.0')\n"),
    ],
    innocent: [sample('src/tor/a.ts', "const host = '127.0.0.1'\n")],
  },
  {
    name: 'every source file says what it is for and what it never does',
    covers: isSource,
    find: findHeader,
    planted: [
      sample('src/wire/a.ts', 'export const a = 1\n'),
      sample('src/wire/a.ts', '/**\n * Sizes.\n * @module\n */\n'),
      sample('src/wire/a.ts', '/**\n * Sizes.\n * Never guesses.\n */\n'),
      sample('src/wire/index.ts', 'export { a } from "./a.ts"\n'),
    ],
    innocent: [
      sample('src/wire/a.ts', '/**\n * Sizes.\n * Never guesses. Spec 01-wire §2.\n * @module\n */\n'),
      sample('src/wire/a.ts', '#!/usr/bin/env node\n/**\n * Runs. Never twice.\n * @module\n */\n'),
      sample('src/wire/index.ts', '/** Bytes. @module */\n'),
    ],
  },
  {
    name: 'files stay short',
    covers: isCode,
    find: findLength,
    planted: [sample('src/wire/a.ts', 'x()\n'.repeat(CODE_LINES_MAX_COUNT + 1))],
    innocent: [sample('src/wire/a.ts', 'x()\n\n// y\n'.repeat(CODE_LINES_MAX_COUNT))],
  },
  {
    name: 'folders name what they export',
    covers: isSource,
    find: matches(/\bexport\s+\*|\bexport\s+default\b/g, 'named exports only'),
    planted: [sample('src/a/index.ts', "export * from './b.ts'\n"), sample('src/a/b.ts', 'export default 1\n')],
    innocent: [sample('src/a/index.ts', "export { b } from './b.ts'\n")],
  },
  {
    name: 'no loose ends',
    covers: isCode,
    find: matches(/\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b(?!\([^)]*#\d+\))/g, 'needs a name and an issue', true),
    planted: [sample('src/a/b.ts', '// TO\u0044O: later\n')],
    innocent: [sample('src/a/b.ts', '// TO\u0044O(alice, #12): when the mailbox is there\n')],
  },
  {
    name: 'compiler and linter are not silenced without a reason',
    covers: isCode,
    find: matches(
      /@ts-(?:ignor[e]|nochec[k])|(?:eslin[t]|oxlin[t])-disable(?!.*--\s*\S)|@ts-expect-erro[r](?!\s*:?\s*\S)/g,
      'say why with -- reason',
      true,
    ),
    planted: [
      sample('src/a/b.ts', '// @ts-ignor\u0065\n'),
      sample('src/a/b.ts', '// oxlin\u0074-disable-next-line no-empty\n'),
    ],
    innocent: [sample('src/a/b.ts', '// oxlin\u0074-disable-next-line no-control-regex -- the grammar has them\n')],
  },
  {
    // A key that counts from zero is nobody's: examples in the specification use it.
    name: 'no key is committed',
    covers: (path) => isText(path) && !path.startsWith('test/vectors/'),
    find: matches(
      /-{5}BEGIN [A-Z ]*PRIVATE KE[Y]|ED25519-V3:(?!AAECAwQFBgcI)[A-Za-z0-9+/]{80}|"(?:privateKey|privKey|secretKey|private_key|seed)"\s*:\s*"[A-Za-z0-9+/=_-]{40,}"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30}|\bxox[abp]-[0-9A-Za-z-]{20}|\bnpm_[A-Za-z0-9]{30}/g,
      'keys are made from a seed at run time',
      true,
    ),
    planted: [
      sample('test/support/a.json', `{"privateKey": "${'A'.repeat(44)}"}`),
      sample('test/a.ts', `'ED25519-V3:${'b'.repeat(88)}'`),
      sample('docs/a.md', '-----BEGIN OPENSSH PRIVATE KE\u0059-----'),
    ],
    innocent: [sample('test/a.ts', '`ADD_ONION ED25519-V3:${encoded} Port=80`')],
  },
  {
    name: 'files hold no key by their name',
    covers: () => true,
    find: ({ path }) =>
      /(?:\.(?:pem|key|p12|pfx)|id_(?:rsa|ed25519)|hs_ed25519_secret_key)$/.test(path) ? ['a key file'] : [],
    planted: [sample('test/support/relay.pem', ''), sample('hs_ed25519_secret_key', '')],
    innocent: [sample('src/crypto/key-object.ts', '')],
  },
  {
    name: 'the text is about noctule, not about who or what wrote it or where packages came from',
    covers: isText,
    find: matches(
      /\b(?:c[l]aude|a[n]thropic|c[h]atgpt|o[p]enai|c[o]pilot|c[o]dex|g[e]mini|L[L]M|large languag[e] model)\b|\bA[I](?:-generated| assistant| model)\b|registry\.[n]pmjs\.org|\bdeb\.[d]ebian\.org|Co-authored-b[y]|Generated wit[h] /gi,
      'not a word for this repository',
      true,
    ),
    planted: [
      sample('docs/a.md', 'Written with c\u006caude.\n'),
      sample('.npmrc', 'registry=https://registry.\u006epmjs.org\n'),
      sample('src/a/b.ts', '// as an A\u0049 assistant would\n'),
    ],
    innocent: [sample('docs/a.md', 'A mail to Alice about including bails.\n')],
  },
]
