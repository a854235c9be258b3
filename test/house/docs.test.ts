import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, it } from 'node:test'
import { assertNone, exists, lineAt, readSource, readText, repositoryPaths, type SourceFile } from './support.ts'

const paths = repositoryPaths()
const specs = new Map(
  paths
    .filter((path) => /^docs\/spec\/\d\d[a-z]?-[a-z]+\.md$/.test(path))
    .map((path) => [path.replace(/^docs\/spec\/|\.md$/g, ''), readText(path)]),
)

/** References to a section that no specification has as a heading, and to specifications that are not there. */
function danglingReferences({ path, text }: SourceFile, known: ReadonlyMap<string, string>): string[] {
  return [...text.matchAll(/\bspec:? (\d\d[a-z]?-[a-z]+)(?: §(\d+(?:\.\d+)*))?/gi)].flatMap(
    ([whole, name = '', section], at) => {
      const spec = known.get(name)
      if (spec === undefined) return [`${path}: ${whole} (no such specification, reference ${at + 1})`]
      if (section === undefined) return []
      const heading = new RegExp(`^#{1,6} +§?${section.replaceAll('.', '\\.')}(?:\\.? |$)`, 'm')
      return heading.test(spec) ? [] : [`${path}: ${whole} (no such section)`]
    },
  )
}

/** The name that a heading gets as the target of a link. */
function slug(heading: string): string {
  const words = heading.replaceAll(/[`*_]|\[|\]\([^)]*\)/g, '').toLowerCase()
  return words
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
}

/** Links to files or headings that are not there. Links to other places are not followed. */
function brokenLinks({ path, text }: SourceFile): string[] {
  const prose = text.replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replaceAll(/[^\n]/g, ' '))
  return [...prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].flatMap((hit) => {
    const target = hit[1] ?? ''
    if (/^[a-z]+:/.test(target)) return []
    const [file = '', anchor] = target.split('#')
    const destination = file === '' ? path : posix.join(posix.dirname(path), file)
    const where = `${path}:${lineAt(prose, hit.index)}: ${target}`
    if (file !== '' && !exists(destination)) return [where]
    if (anchor === undefined || !destination.endsWith('.md')) return []
    const body = file === '' ? text : readText(destination)
    const anchors = [...body.matchAll(/^#{1,6} +(.*)$/gm)].map((heading) => slug(heading[1] ?? ''))
    return anchors.includes(anchor) ? [] : [where]
  })
}

const hasStatus = (text: string): boolean =>
  /^\|?\s*\**status\**\s*[|:]\s*\S/im.test(text.split('\n').slice(0, 20).join('\n'))

describe('the specification', () => {
  it('has a status row in every file', () => {
    assert.ok(specs.size > 0, 'there is no specification')
    assert.equal(specs.size, paths.filter((path) => path.startsWith('docs/spec/')).length, 'a name of another form')
    for (const [name, text] of specs) assert.ok(hasStatus(text), `docs/spec/${name}.md`)
  })

  it('would notice a file without one', () => {
    assert.equal(hasStatus('# 01 wire\n\n| Status | as built |\n'), true)
    assert.equal(hasStatus('# 01 wire\n\nSizes and layouts.\n'), false)
  })

  it('has every section that the source names', () => {
    const sources = paths.filter((path) => /^(src|test|scripts|simulations)\/.*\.ts$/.test(path))
    const own = sources.filter((path) => !path.startsWith('test/house/'))
    const text = own.map((path) => readText(path)).join('\n')
    assert.ok(/spec \d\d[a-z]?-[a-z]+ §/i.test(text), 'the source names no section')
    assertNone(own.flatMap((path) => danglingReferences(readSource(path), specs)))
  })

  it('would notice a section that is not there', () => {
    const known = new Map([
      ['01-wire', '# 01 wire\n\n## 3. Records\n\n### 3.1 Lane\n'],
      ['01a-links', '# 01a links\n\n## 7. In memory\n'],
    ])
    const check = (text: string): number => danglingReferences({ path: 'src/a/b.ts', text }, known).length
    assert.equal(check('Spec 01-wire §3.1, spec 01-wire §3, spec 01-wire.'), 0)
    assert.equal(check('Spec 01-wire §3.2.'), 1)
    assert.equal(check('Spec 01-wire §31.'), 1)
    assert.equal(check('Spec 02-padding §1.'), 1)
    assert.equal(check('Spec 01a-links §7, spec 01a-links.'), 0)
    assert.equal(check('Spec 01a-links §3.'), 1)
    assert.equal(check('Spec 01b-links §7.'), 1)
  })
})

describe('links in the documents', () => {
  it('lead somewhere', () => {
    const documents = paths.filter((path) => path.endsWith('.md'))
    assert.ok(documents.length >= 4)
    assertNone(documents.flatMap((path) => brokenLinks(readSource(path))))
  })

  it('would be noticed if they did not', () => {
    const check = (text: string): number => brokenLinks({ path: 'docs/a.md', text }).length
    assert.equal(check('# On top\n[a](../README.md) [b](#on-top) [c](mailto:a@b.org)'), 0)
    assert.equal(check('[a](no-such-file.md)'), 1)
    assert.equal(check('# On top\n[a](#below)'), 1)
    assert.equal(check('[a](../README.md#no-such-heading)'), 1)
  })
})
