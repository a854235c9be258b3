import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { controlCommand, quoteString } from '../../../../src/tor/control/index.ts'

describe('control command', () => {
  it('writes its arguments as given and prints none of them', () => {
    const command = controlCommand('ADD_ONION', 'ED25519-V3:planted-secret', 'Port=80,1')
    assert.equal(command.line.reveal(), 'ADD_ONION ED25519-V3:planted-secret Port=80,1')
    for (const shown of [String(command), JSON.stringify({ command }), inspect(command, { depth: 9 })]) {
      assert.ok(!shown.includes('planted'), shown)
      assert.ok(shown.includes('ADD_ONION'), shown)
    }
    assert.equal(String(controlCommand('PROTOCOLINFO')), 'PROTOCOLINFO')
  })

  it('refuses whatever would be a second command', () => {
    for (const bad of ['a\r\nSIGNAL HALT', 'a\nb', 'a\rb', 'a\0b']) {
      assert.throws(() => controlCommand('GETINFO', bad), RangeError)
    }
    assert.throws(() => controlCommand('get info'), RangeError)
  })

  it('quotes', () => {
    assert.equal(quoteString('a"b\\c'), '"a\\"b\\\\c"')
  })
})
