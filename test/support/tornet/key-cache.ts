/**
 * Keys of the authority and the relays, made once per user and used by all runs: making them costs seconds.
 * Never keeps a key that guards anything: they are good on loopback only, and are not in the repository.
 * @module
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryRoot } from './run-directory.ts'

/** Files of a data directory by relative path. */
type KeyFiles = ReadonlyMap<string, Buffer>

export interface RelayKeys {
  readonly files: KeyFiles
  /** 40 hex digits. */
  readonly fingerprint: string
}

export interface AuthorityKeys extends RelayKeys {
  /** 40 hex digits of the v3 identity. */
  readonly v3Identity: string
}

export interface KeyCacheOptions {
  /** Where keys are made; of the same file system as the cache. */
  readonly workDirectory: string
  readonly cacheDirectory?: string
  readonly signal?: AbortSignal
}

const DAY_SECONDS = 86_400
/** The authority's certificate must outlast any run that starts with it. */
const CERTIFICATE_MARGIN_SECONDS = 7 * DAY_SECONDS
const MANIFEST = 'manifest.json'

/** The cache of this user, made where it is missing; undefined when somebody else owns the place. */
export function keyCacheDirectory(): string | undefined {
  const uid = process.getuid?.() ?? 0
  const directory = join(temporaryRoot(), `noctule-tornet-keys-${uid}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const found = lstatSync(directory)
  return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0 ? directory : undefined
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The files of an entry, or undefined when it is not there or not whole. */
function readEntry(directory: string): KeyFiles | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, MANIFEST), 'utf8'))
    if (typeof manifest !== 'object' || manifest === null) return undefined
    const files = new Map<string, Buffer>()
    for (const [path, digest] of Object.entries(manifest)) {
      const bytes = readFileSync(join(directory, path))
      if (sha256(bytes) !== digest) return undefined
      files.set(path, bytes)
    }
    return files
  } catch {
    // Absent, cut short or not ours: made anew in each case.
    return undefined
  }
}

function writeEntry(directory: string, files: KeyFiles): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, path), bytes, { mode: 0o600 })
  }
  const manifest = Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)]))
  writeFileSync(join(directory, MANIFEST), JSON.stringify(manifest), { mode: 0o600 })
}

/** Puts an entry in place in one step. Another run may be quicker: then its keys stay. */
function storeEntry(directory: string, files: KeyFiles, workDirectory: string): void {
  const fresh = mkdtempSync(join(workDirectory, 'entry-'))
  writeEntry(fresh, files)
  try {
    if (readEntry(directory) === undefined) rmSync(directory, { recursive: true, force: true })
    renameSync(fresh, directory)
  } catch {
    // In place by now, or the cache cannot be written: the keys at hand are good either way.
    rmSync(fresh, { recursive: true, force: true })
  }
}

function runTool(command: string, args: readonly string[], input: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], ...(signal && { signal }) })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.once('error', (cause) => {
      reject(signal?.aborted === true ? cause : new Error(`cannot run ${command}: is tor installed?`, { cause }))
    })
    child.once('close', (status) => {
      if (status === 0) resolve()
      else reject(new Error(`${command} failed: ${Buffer.concat(output).toString().slice(-500)}`))
    })
  })
}

function readKeyFiles(directory: string, extra: readonly string[]): Map<string, Buffer> {
  const paths = [...readdirSync(join(directory, 'keys')).map((name) => `keys/${name}`), ...extra]
  return new Map(paths.map((path) => [path, readFileSync(join(directory, path))]))
}

async function makeRelayKeys(options: KeyCacheOptions): Promise<Map<string, Buffer>> {
  const directory = mkdtempSync(join(options.workDirectory, 'make-'))
  const torrc = join(directory, 'torrc')
  const empty = join(directory, 'empty')
  writeFileSync(empty, '')
  writeFileSync(torrc, `DataDirectory ${directory}/data\nORPort 9\nNickname tornet\nContactInfo tornet@test.invalid\n`)
  await runTool('tor', ['--defaults-torrc', empty, '-f', torrc, '--hush', '--list-fingerprint'], '', options.signal)
  const files = readKeyFiles(join(directory, 'data'), ['fingerprint'])
  rmSync(directory, { recursive: true, force: true })
  return files
}

async function makeAuthorityKeys(options: KeyCacheOptions): Promise<Map<string, Buffer>> {
  const directory = mkdtempSync(join(options.workDirectory, 'make-'))
  mkdirSync(join(directory, 'keys'))
  const path = (name: string): string => join(directory, 'keys', name)
  const makeVotingKeys = runTool(
    'tor-gencert',
    [
      '--create-identity-key',
      '--passphrase-fd',
      '0',
      '-m',
      '12',
      '-i',
      path('authority_identity_key'),
      '-s',
      path('authority_signing_key'),
      '-c',
      path('authority_certificate'),
    ],
    'tornet\n',
    options.signal,
  )
  const [relay] = await Promise.all([makeRelayKeys(options), makeVotingKeys])
  // The identity key has signed the certificate and is not needed again.
  rmSync(path('authority_identity_key'))
  const files = new Map([...relay, ...readKeyFiles(directory, [])])
  rmSync(directory, { recursive: true, force: true })
  return files
}

function readFingerprint(files: KeyFiles): string | undefined {
  return / ([0-9A-F]{40})\s*$/.exec(files.get('fingerprint')?.toString('latin1') ?? '')?.[1]
}

function certificateSeconds(certificate: string, keyword: string): number {
  const found = new RegExp(`^${keyword} ([0-9-]{10}) ([0-9:]{8})$`, 'm').exec(certificate)
  return found === null ? Number.NaN : Date.parse(`${found[1]}T${found[2]}Z`) / 1000
}

function findRelayKeys(files: KeyFiles): RelayKeys | undefined {
  const fingerprint = readFingerprint(files)
  return fingerprint === undefined ? undefined : { files, fingerprint }
}

function findAuthorityKeys(files: KeyFiles): AuthorityKeys | undefined {
  const relay = findRelayKeys(files)
  const certificate = files.get('keys/authority_certificate')?.toString('latin1') ?? ''
  const v3Identity = /^fingerprint ([0-9A-F]{40})$/m.exec(certificate)?.[1]
  const nowSeconds = Date.now() / 1000
  const valid =
    certificateSeconds(certificate, 'dir-key-published') <= nowSeconds &&
    certificateSeconds(certificate, 'dir-key-expires') >= nowSeconds + CERTIFICATE_MARGIN_SECONDS
  return relay === undefined || v3Identity === undefined || !valid ? undefined : { ...relay, v3Identity }
}

async function getEntry<T>(
  name: string,
  options: KeyCacheOptions,
  make: (options: KeyCacheOptions) => Promise<KeyFiles>,
  find: (files: KeyFiles) => T | undefined,
): Promise<T> {
  const cache = options.cacheDirectory ?? keyCacheDirectory()
  const cached = cache === undefined ? undefined : readEntry(join(cache, name))
  const found = cached === undefined ? undefined : find(cached)
  if (found !== undefined) return found
  const files = await make(options)
  const made = find(files)
  if (made === undefined) throw new Error('tor made keys that cannot be read')
  if (cache !== undefined) {
    // Whole but outdated: it must give way.
    if (cached !== undefined) rmSync(join(cache, name), { recursive: true, force: true })
    storeEntry(join(cache, name), files, options.workDirectory)
  }
  return made
}

/** The authority's keys, from the cache when its certificate is valid for another week. */
export function getAuthorityKeys(options: KeyCacheOptions): Promise<AuthorityKeys> {
  return getEntry('authority', options, makeAuthorityKeys, findAuthorityKeys)
}

export function getRelayKeys(index: number, options: KeyCacheOptions): Promise<RelayKeys> {
  return getEntry(`relay-${String(index).padStart(2, '0')}`, options, makeRelayKeys, findRelayKeys)
}

/** Writes keys into the data directory of a tor that is about to start. */
export function installKeys(keys: RelayKeys, directory: string): void {
  for (const [path, bytes] of keys.files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, path), bytes, { mode: 0o600 })
  }
}
