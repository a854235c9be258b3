import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OnionAddress, OnionSecretKey } from '../../../../src/ports/index.ts'
import {
  addClientKeyCommand,
  addOnionCommand,
  deleteOnionCommand,
  removeClientKeyCommand,
} from '../../../../src/tor/onions/index.ts'

const secretKey = Uint8Array.from({ length: 64 }, (_, index) => index) as OnionSecretKey
const KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=='
const client = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const address = 'a'.repeat(56) as OnionAddress

/** The vectors of spec 07-tor §3. */
describe('onion commands, byte for byte', () => {
  it('public service on a port', () => {
    const command = addOnionCommand({
      secretKey,
      virtualPort: 80,
      target: { port: 17600 },
      authorizedClients: [],
      proofOfWork: false,
    })
    assert.equal(command.line.reveal(), `ADD_ONION ED25519-V3:${KEY} Port=80,17600`)
    assert.equal(String(command), 'ADD_ONION [redacted]')
  })

  it('service with client authorisation on a port', () => {
    const command = addOnionCommand({
      secretKey,
      virtualPort: 80,
      target: { port: 17650 },
      authorizedClients: [client(0xff)],
      proofOfWork: false,
    })
    assert.equal(
      command.line.reveal(),
      `ADD_ONION ED25519-V3:${KEY} Flags=V3Auth Port=80,17650 ClientAuthV3=${'7'.repeat(51)}Q`,
    )
  })

  it('everything, on a unix socket', () => {
    const command = addOnionCommand({
      secretKey,
      virtualPort: 9878,
      target: { path: '/run/user/1000/noctule/o-0a1b2c3d' },
      authorizedClients: [client(0), client(0xff)],
      proofOfWork: true,
    })
    assert.equal(
      command.line.reveal(),
      `ADD_ONION ED25519-V3:${KEY} Flags=V3Auth Port=9878,unix:/run/user/1000/noctule/o-0a1b2c3d` +
        ` ClientAuthV3=${'A'.repeat(52)} ClientAuthV3=${'7'.repeat(51)}Q PoWDefensesEnabled=1`,
    )
  })

  it('taking down, and client keys', () => {
    assert.equal(deleteOnionCommand(address).line.reveal(), `DEL_ONION ${address}`)
    assert.equal(
      addClientKeyCommand(address, client(0xff)).line.reveal(),
      `ONION_CLIENT_AUTH_ADD ${address} x25519://////////////////////////////////////////8=`,
    )
    assert.equal(removeClientKeyCommand(address).line.reveal(), `ONION_CLIENT_AUTH_REMOVE ${address}`)
  })
})
