/**
 * Writes the project's own known-answer vectors: `node scripts/make-vectors.ts`.
 * Never run by a test: a frozen file changes by this visible command only, and a changed meaning takes a new file name.
 * Spec 04-session §9.1.
 * @module
 */
import { writeFileSync } from 'node:fs'
import { hexEncode, InternalError } from '../src/base/index.ts'
import { ed25519PublicKey, kemEncapsulationKey, sha256, x25519PublicKey } from '../src/crypto/index.ts'
import { type IdentityKeys, type PrekeySecrets, prekeyBundle, publicIdentity } from '../src/identity/index.ts'
import {
  encodeSessionState,
  initiateHandshake,
  openEnvelope,
  RATCHET_SUITE,
  respondHandshake,
  type SessionState,
  sealEnvelope,
} from '../src/session/index.ts'
import { offerHash } from '../src/session/key-agreement.ts'
import { decodeHandshakeRequest, ENVELOPE_BODY_BYTES } from '../src/wire/index.ts'
import { oracle } from '../test/support/oracle.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'
import { createMailboxVectors } from './mailbox-vectors.ts'

const NOW_MS = 1_790_000_000_000

type Side = 'acceptor' | 'inviter'

/** What happens after the handshake: late, lost, repeated and simultaneous envelopes over three turns. */
const STORY: readonly ({ seal: Side } | { open: Side; envelope: number; flip?: number })[] = [
  { seal: 'inviter' },
  { seal: 'acceptor' },
  { open: 'inviter', envelope: 1 },
  { open: 'acceptor', envelope: 0 },
  { open: 'acceptor', envelope: 0 },
  { seal: 'acceptor' },
  { seal: 'acceptor' },
  { seal: 'acceptor' },
  { open: 'inviter', envelope: 4, flip: 5 },
  { open: 'inviter', envelope: 4, flip: 100 },
  { open: 'inviter', envelope: 4 },
  { open: 'inviter', envelope: 2 },
  { seal: 'inviter' },
  { open: 'acceptor', envelope: 5 },
  { seal: 'acceptor' },
  { open: 'inviter', envelope: 6 },
  { open: 'inviter', envelope: 3 },
  { open: 'inviter', envelope: 3 },
  { open: 'acceptor', envelope: 6 },
]

/** The content of `test/vectors/session-v1.json`, the same at every call. */
export function createSessionVectors(): Record<string, unknown> {
  const { bytes } = createSeededRandom(20_261_121)
  const taken: string[] = []
  const recorded = (length: number): Uint8Array => {
    const chunk = bytes(length)
    taken.push(hexEncode(chunk))
    return chunk
  }
  const suite = { ...RATCHET_SUITE, random: recorded }
  const inviter = identityFrom(bytes)
  const acceptor = identityFrom(bytes)
  const prekeys = prekeysFrom(bytes)
  const bundle = prekeyBundle(inviter, prekeys)
  const kemCoins = bytes(32)
  const encapsulate = (key: Uint8Array): ReturnType<typeof oracle.kemEncapsulate> =>
    oracle.kemEncapsulate(key, kemCoins)

  const firstBody = bytes(ENVELOPE_BODY_BYTES)
  const initiated = initiateHandshake({ own: acceptor, bundle, firstBody }, { ...suite, encapsulate })
  if (!initiated.ok) throw new InternalError('the seeded handshake must work')
  const initiatorRandom = taken.splice(0)
  const { request, laneSecret } = initiated
  const responded = respondHandshake({ own: inviter, prekeys, request, nowMs: NOW_MS }, suite)
  const parts = decodeHandshakeRequest(request)
  if (!responded.ok || parts === undefined) throw new InternalError('the seeded handshake must work')
  const responderRandom = taken.splice(0)

  const states: Record<Side, SessionState> = { acceptor: initiated.state, inviter: responded.state }
  const handshake = {
    firstBody: hexEncode(firstBody),
    kemCoins: hexEncode(kemCoins),
    initiatorRandom,
    responderRandom,
    offerHash: hexEncode(offerHash({ bundle, ...parts })),
    transcript: hexEncode(initiated.state.transcript),
    request: hexEncode(request),
    laneSecret: hexEncode(laneSecret),
    acceptorState: hexEncode(encodeSessionState(states.acceptor)),
    inviterState: hexEncode(encodeSessionState(states.inviter)),
  }

  const envelopes: Uint8Array[] = []
  const steps = STORY.map((event) => {
    if ('seal' in event) {
      const body = bytes(ENVELOPE_BODY_BYTES)
      const sealed = sealEnvelope(states[event.seal], body, suite)
      states[event.seal] = sealed.state
      envelopes.push(sealed.envelope)
      return {
        seal: event.seal,
        body: hexEncode(body),
        random: taken.splice(0),
        envelope: hexEncode(sealed.envelope),
        messageKey: hexEncode(sealed.consumed[0] ?? new Uint8Array()),
        stateHash: hexEncode(sha256(encodeSessionState(sealed.state))),
      }
    }
    const envelope = (envelopes[event.envelope] ?? new Uint8Array()).slice()
    if (event.flip !== undefined) envelope[event.flip] = (envelope[event.flip] ?? 0) ^ 1
    const result = openEnvelope(states[event.open], envelope, NOW_MS, suite)
    if (result.ok) states[event.open] = result.state
    return {
      open: event.open,
      envelopeIndex: event.envelope,
      ...(event.flip === undefined ? {} : { flippedByte: event.flip }),
      result: result.ok ? 'ok' : result.reason,
      random: taken.splice(0),
      stateHash: hexEncode(sha256(encodeSessionState(states[event.open]))),
    }
  })

  return {
    header: {
      source: 'noctule, scripts/make-vectors.ts',
      licence: 'Apache-2.0',
      specification: 'docs/spec/04-session.md',
      note: 'All values are hexadecimal. "random" lists what the random source gives, in the order in which it is asked: 32 bytes are a private key, 12 a header nonce. Envelopes are numbered from 0 in the order of sealing; "flippedByte" is XORed with 1 before opening.',
    },
    nowMs: NOW_MS,
    inviter: hexIdentity(inviter),
    acceptor: hexIdentity(acceptor),
    prekeys: {
      signedPrekey: hexEncode(prekeys.signedPrekey.privateKey),
      oneTimePrekey: hexEncode(prekeys.oneTimePrekey.privateKey),
      kemSeed: hexEncode(prekeys.kemSeed),
    },
    handshake,
    steps,
    finalStates: {
      acceptor: hexEncode(encodeSessionState(states.acceptor)),
      inviter: hexEncode(encodeSessionState(states.inviter)),
    },
  }
}

function pairFrom(privateKey: Uint8Array): { privateKey: Uint8Array; publicKey: Uint8Array } {
  return { privateKey, publicKey: x25519PublicKey(privateKey) }
}

function identityFrom(bytes: (length: number) => Uint8Array): IdentityKeys {
  const ed25519Seed = bytes(32)
  return { ed25519Seed, ed25519PublicKey: ed25519PublicKey(ed25519Seed), x25519: pairFrom(bytes(32)) }
}

function prekeysFrom(bytes: (length: number) => Uint8Array): PrekeySecrets {
  const kemSeed = bytes(64)
  return {
    signedPrekey: pairFrom(bytes(32)),
    oneTimePrekey: pairFrom(bytes(32)),
    kemSeed,
    kemEncapsulationKey: kemEncapsulationKey(kemSeed),
  }
}

function hexIdentity(keys: IdentityKeys): Record<string, string> {
  const { ed25519, x25519 } = publicIdentity(keys)
  return {
    ed25519Seed: hexEncode(keys.ed25519Seed),
    ed25519PublicKey: hexEncode(ed25519),
    x25519PrivateKey: hexEncode(keys.x25519.privateKey),
    x25519PublicKey: hexEncode(x25519),
  }
}

if (import.meta.main) {
  const files = { 'session-v1': createSessionVectors(), 'mailbox-v1': createMailboxVectors() }
  for (const [name, vectors] of Object.entries(files)) {
    const file = new URL(`../test/vectors/${name}.json`, import.meta.url)
    writeFileSync(file, `${JSON.stringify(vectors, undefined, 2)}\n`)
  }
}
