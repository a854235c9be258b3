import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SOURCE_RULES } from './source-rules.ts'
import { assertNone, readSource, repositoryPaths } from './support.ts'

const paths = repositoryPaths()

for (const rule of SOURCE_RULES) {
  describe(rule.name, () => {
    it('flags each planted violation', () => {
      assert.ok(rule.planted.length > 0)
      for (const file of rule.planted) {
        assert.ok(rule.covers(file.path), `does not look at ${file.path}`)
        assert.notDeepEqual(rule.find(file), [], `missed: ${file.text.slice(0, 80)}`)
      }
    })

    it('leaves innocent files alone', () => {
      assert.ok(rule.innocent.length > 0)
      for (const file of rule.innocent) assert.deepEqual(rule.find(file), [], `flagged: ${file.text.slice(0, 80)}`)
    })

    it('holds in the repository', () => {
      const covered = paths.filter(rule.covers)
      assert.ok(covered.length > 5, `looked at ${covered.length} files only`)
      const problems = covered.flatMap((path) => rule.find(readSource(path)).map((problem) => `${path}: ${problem}`))
      assertNone(problems)
    })
  })
}
