import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { COMMANDS } from '../../../src/cli/index.ts'
import { playTranscript, startCli } from '../../support/cli-fixture.ts'

const DIRECTORY = join(import.meta.dirname, 'transcripts')
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith('.txt'))

describe('command line transcripts', () => {
  for (const name of FILES) {
    it(name, async (context) => {
      const expected = readFileSync(join(DIRECTORY, name), 'utf8')
      assert.equal(await playTranscript(await startCli(context), expected), expected)
    })
  }

  it('notice what differs (control)', async (context) => {
    const fixture = await startCli(context)
    assert.notEqual(
      await playTranscript(fixture, '$ noctule version\nnoctule 9.9.9\n'),
      '$ noctule version\nnoctule 9.9.9\n',
    )
  })

  it('play every command but the OpenRPC document', () => {
    const all = FILES.map((name) => readFileSync(join(DIRECTORY, name), 'utf8')).join('\n')
    const missing = COMMANDS.map(({ name }) => name).filter((name) => !all.includes(`\n$ noctule ${name}`))
    assert.deepEqual(missing, ['discover'])
  })
})
