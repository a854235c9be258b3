/**
 * From a bare machine to a running task: packages, Node 24, tor and other programs, build, run.
 * Never needs anything but Node 20 and npm to start, and never touches the network when all is in place.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const NODE_MAJOR = 24
/** First Node 24 whose type stripping is stable. */
const NODE_MINOR = 12
const STARTED = performance.now()

/** Where Debian and others put tor; `/usr/sbin` is not on the PATH of ordinary users. */
const SYSTEM_PATHS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']

/** The Debian package of each program that a task runs. */
const DEBIAN_PACKAGES = { tor: 'tor', strace: 'strace', ip: 'iproute2' }

/**
 * What each task runs; the programs that it cannot do without; those without which it does less; and whether it needs a
 * build first or brings its own.
 */
const TASKS = {
  demo: { script: 'scripts/demo.ts', needs: ['tor'], wants: [], build: true },
  tornet: { script: 'scripts/tornet.ts', needs: ['tor'], wants: ['ip'], build: true },
  bench: { script: 'scripts/bench/main.ts', needs: ['tor'], wants: ['ip'], build: true },
  'bench:latency': { script: 'scripts/bench/profile-latency.ts', needs: ['tor'], wants: [], build: true },
  soak: { script: 'scripts/soak.ts', needs: ['tor'], wants: [], build: true },
  'soak:mailbox': { script: 'scripts/soak-mailbox.ts', needs: ['tor'], wants: [], build: true },
  sim: { script: 'simulations/run.ts', needs: [], wants: [], build: false },
  'privacy:capture': { script: 'scripts/privacy-capture.ts', needs: ['tor'], wants: [], build: true },
  test: { script: 'scripts/test.ts', needs: ['tor'], wants: ['strace', 'ip'], build: false },
  check: { script: 'scripts/check.ts', needs: [], wants: [], build: false },
  // A daemon attaches to a running tor or waits for one: what is installed for good is for its user to say.
  start: {
    script: 'dist/daemon/main.js',
    // As the first line of main.ts says it: boxes pass through memory once, and a young space of 16 MiB would hold 100 MiB of them.
    flags: ['--max-semi-space-size=4'],
    arguments: ['daemon'],
    needs: [],
    wants: [],
    build: true,
  },
  build: { script: undefined, needs: [], wants: [], build: true },
}

class Stop extends Error {}

/** Ends the run with one sentence for the person in front of it. */
function stop(sentence) {
  throw new Stop(sentence)
}

function say(stage, text) {
  const seconds = ((performance.now() - STARTED) / 1000).toFixed(1).padStart(6)
  process.stderr.write(`[${seconds} s] ${stage}: ${text}\n`)
}

/** Runs quietly; what the program said is returned, and shown only when it failed. */
function quietly(command, args, options = {}) {
  const done = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
  return { ok: done.status === 0, output: `${done.stdout ?? ''}${done.stderr ?? ''}`.trim() }
}

function lastLines(text, count = 25) {
  return text.split('\n').slice(-count).join('\n')
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** True when node_modules holds what package-lock.json says; npm writes its own list last, so half an install is seen. */
function packagesAreInPlace() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))
  const installed = readJson(join(ROOT, 'node_modules/.package-lock.json'))
  if (wanted === undefined) stop('package-lock.json is missing or broken: restore it from the repository.')
  if (installed === undefined) return false
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (!path.startsWith('node_modules/') || entry.optional === true || entry.link === true) continue
    const found = installed.packages?.[path]
    if (found === undefined || found.version !== entry.version || found.integrity !== entry.integrity) return false
  }
  return true
}

/**
 * Not `npm ci`: it refuses a lock without the entries of optional packages for other systems, and a registry that does
 * not carry those leaves them out when the lock is made. What was installed is compared with the lock here instead.
 */
function ensurePackages() {
  if (packagesAreInPlace()) return
  say('packages', 'installing what package-lock.json names; the first time this takes a minute')
  // Inside `npm run` npm names itself; otherwise the one on the PATH is taken.
  const npm = process.env.npm_execpath
  const direct = npm !== undefined && /\.c?js$/.test(npm) && existsSync(npm)
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const done = direct ? quietly(process.execPath, [npm, ...args]) : quietly('npm', args)
  if (!done.ok) {
    process.stderr.write(`${lastLines(done.output)}\n`)
    stop('The packages could not be installed: check the network and the npm settings, then run the command again.')
  }
  if (!packagesAreInPlace())
    stop('npm installed other versions than package-lock.json names: remove node_modules and try again.')
  say('packages', 'in place')
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major > NODE_MAJOR || (major === NODE_MAJOR && minor >= NODE_MINOR)
}

/** The Node that runs the task: this one when it is new enough, else the one that came as a package. */
function findNode() {
  if (isNewEnough(process.version) && existsSync(process.execPath)) return process.execPath
  const packaged = join(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`)
  const answer = quietly(packaged, ['--version'])
  if (answer.ok && isNewEnough(answer.output)) return packaged
  return stop(
    `Node ${NODE_MAJOR} does not come as a package for this machine: install Node ${NODE_MAJOR} and run the command again.`,
  )
}

function searchPath() {
  const own = (process.env.PATH ?? '').split(delimiter).filter((entry) => entry !== '')
  return [...new Set([...own, ...SYSTEM_PATHS])]
}

function findProgram(name) {
  for (const folder of searchPath()) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here.
    }
  }
  return undefined
}

/** The words to put before a command that needs root, or undefined when root is out of reach. */
function rootPrefix() {
  if (process.getuid?.() === 0) return []
  if (findProgram('sudo') !== undefined && quietly('sudo', ['-n', 'true']).ok) return ['sudo', '-n']
  return undefined
}

/**
 * Installs Debian packages without letting the service of tor run: noctule starts processes of its own.
 * `RUNLEVEL=1` keeps invoke-rc.d from starting it; under systemd its units are masked meanwhile; either way it is left
 * switched off. Gives what apt-get said when it failed, else undefined.
 */
function installPackages(prefix, packages) {
  const asRoot = (...command) => {
    const [program, ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', ...command]
    return quietly(program, args)
  }
  const apt = ['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300']
  const units = ['tor.service', 'tor@default.service']
  const service = packages.includes('tor')
  const systemd = existsSync('/run/systemd/system')
  if (service && systemd) asRoot('systemctl', 'mask', '--runtime', ...units)
  const updated = asRoot(...apt, 'update')
  const installed = asRoot(...apt, 'install', '-y', '--no-install-recommends', ...packages)
  if (service && systemd) {
    asRoot('systemctl', 'unmask', '--runtime', ...units)
    asRoot('systemctl', 'disable', 'tor.service')
  } else if (service) {
    asRoot('update-rc.d', 'tor', 'disable')
  }
  if (installed.ok) return undefined
  return lastLines(updated.ok ? installed.output : `${updated.output}\n${installed.output}`)
}

/** Ends with one sentence when a needed program is missing and cannot be had; says so when it is only a wanted one. */
function ensurePrograms(needs, wants) {
  const isMissing = (name) => findProgram(name) === undefined
  const missing = [...needs, ...wants].filter(isMissing)
  if (missing.length === 0) return
  const packages = missing.map((name) => DEBIAN_PACKAGES[name])
  const names = packages.join(' ')
  const neededIsMissing = needs.some(isMissing)
  const prefix = findProgram('apt-get') === undefined ? undefined : rootPrefix()
  if (prefix === undefined) {
    const advice = `run \`sudo apt-get install ${names}\` (or what this system has instead)`
    if (neededIsMissing) stop(`The ${needs.find(isMissing)} program is missing: ${advice} and then this command again.`)
    say('programs', `without ${names} some parts are left out; to have them, ${advice}`)
    return
  }
  say('programs', `installing with apt-get: ${names}`)
  const failure = installPackages(prefix, packages)
  if (needs.some(isMissing)) {
    process.stderr.write(`${failure ?? ''}\n`)
    stop(`apt-get could not install ${names}: install that and run the command again.`)
  }
  const without = wants.filter(isMissing)
  say('programs', without.length === 0 ? 'in place' : `in place but for ${without.join(', ')}; some parts are left out`)
}

function build(node) {
  say('build', 'compiling what has changed')
  const done = quietly(node, ['node_modules/typescript/bin/tsc', '-b', 'src/daemon'])
  if (done.ok) return say('build', 'up to date')
  process.stderr.write(`${done.output}\n`)
  stop('The build failed: see the messages of the compiler above.')
}

/** Hands over to the task and ends as it ends. */
function runTask(node, { script, flags = [], arguments: fixed = [] }, args) {
  const child = spawn(node, [...flags, join(ROOT, script), ...fixed, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH: [dirname(node), ...searchPath()].join(delimiter) },
  })
  // Ctrl-C reaches the child by itself, as part of the terminal's foreground group; a second copy would force it.
  process.on('SIGINT', () => {
    if (process.stdin.isTTY !== true) child.kill('SIGINT')
  })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', () => {
    process.stderr.write('The task could not be started.\n')
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (osConstants.signals[signal ?? 'SIGTERM'] ?? 15)
  })
}

function main([name = '', ...rest]) {
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined
  if (task === undefined) stop(`Usage: node scripts/bootstrap.mjs ${Object.keys(TASKS).join('|')} [arguments]`)
  if (Number(process.version.slice(1).split('.')[0]) < 20) stop('noctule needs Node 20 or newer to set itself up.')
  const own = task.script?.startsWith('dist/') === false
  if (own && !existsSync(join(ROOT, task.script))) stop(`There is no ${task.script} in this version of noctule.`)
  ensurePackages()
  const node = findNode()
  ensurePrograms(task.needs, task.wants)
  if (task.build) build(node)
  if (task.script !== undefined) runTask(node, task, rest)
}

try {
  main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Stop)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
