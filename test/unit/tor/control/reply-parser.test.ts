import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ControlReply, createReplyParser } from '../../../../src/tor/control/index.ts'

const LIMITS = { maxLineBytes: 100, maxReplyBytes: 2_000 }

function parse(text: string, step = text.length || 1): readonly ControlReply[] | undefined {
  const parser = createReplyParser(LIMITS)
  const bytes = Buffer.from(text, 'latin1')
  const out: ControlReply[] = []
  for (let at = 0; at < bytes.length; at += step) {
    const replies = parser.push(bytes.subarray(at, at + step))
    if (replies === undefined) return undefined
    out.push(...replies)
  }
  return out
}

const line = (text: string, data?: string): { text: string; data: string | undefined } => ({ text, data })

describe('reply parser', () => {
  it('reads single lines, many lines and data blocks, however they are cut', () => {
    const text =
      '250 OK\r\n' +
      '250-version=0.4.9.11\r\n250+config-text=\r\nSocksPort 0\r\n..dotted\r\n\r\n.\r\n250 OK\r\n' +
      '650 HS_DESC UPLOAD a b\r\n' +
      '510 Command filtered\r\n'
    const expected = [
      { status: 250, lines: [line('OK')] },
      {
        status: 250,
        lines: [line('version=0.4.9.11'), line('config-text=', 'SocksPort 0\n.dotted\n'), line('OK')],
      },
      { status: 650, lines: [line('HS_DESC UPLOAD a b')] },
      { status: 510, lines: [line('Command filtered')] },
    ]
    for (const step of [1, 2, 3, 7, text.length]) assert.deepEqual(parse(text, step), expected)
  })

  it('takes bare line feeds inside data only', () => {
    assert.deepEqual(parse('250+a=\r\nx\ny\r\n.\r\n250 OK\r\n'), [
      { status: 250, lines: [line('a=', 'x\ny'), line('OK')] },
    ])
    assert.equal(parse('250 OK\n'), undefined)
  })

  it('keeps bytes above 127 one to one', () => {
    assert.equal(parse('250 \xff\x80\r\n')?.[0]?.lines[0]?.text, '\xff\x80')
  })

  it('refuses what is no reply, and goes on refusing', () => {
    for (const text of ['\r\n', 'HTTP/1.1 400 Bad\r\n', '25 OK\r\n', '2500 OK\r\n', '750 OK\r\n', '250?OK\r\n']) {
      const parser = createReplyParser(LIMITS)
      assert.equal(parser.push(Buffer.from(text)), undefined, text)
      assert.equal(parser.push(Buffer.from('250 OK\r\n')), undefined, text)
    }
    assert.equal(parse('250-a\r\n650 b\r\n'), undefined, 'an event inside a reply')
  })

  it('gives up at a line that does not end', () => {
    const parser = createReplyParser(LIMITS)
    assert.deepEqual(parser.push(Buffer.from(`250 ${'x'.repeat(96)}\r\n`))?.length, 1)
    assert.deepEqual(parser.push(Buffer.alloc(101, 'x')), [])
    assert.equal(parser.push(Buffer.from('x')), undefined)
  })

  it('gives up at a reply or a data block that does not end', () => {
    assert.equal(parse('250-x\r\n'.repeat(100)), undefined)
    assert.equal(parse(`250+x\r\n${'\r\n'.repeat(100)}`), undefined)
    assert.equal(parse('250 x\r\n'.repeat(100))?.length, 100)
  })
})
