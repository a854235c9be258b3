/**
 * Reads the words, `KEY=value` pairs and quoted strings of control replies.
 * Never throws: text that does not fit the grammar gives undefined. Spec 07-tor §2.1.
 * @module
 */

export interface KeyValues {
  readonly words: readonly string[]
  readonly pairs: ReadonlyMap<string, string>
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"' }

/** Decodes the inside of a tor CString, octal escapes included, to Latin-1 text. */
function unescapeCString(inner: string): string {
  return inner.replaceAll(/\\([0-7]{1,3}|.)/gs, (_all, escape: string) =>
    /^[0-7]/.test(escape) ? String.fromCharCode(Number.parseInt(escape, 8) & 255) : (ESCAPES[escape] ?? escape),
  )
}

const TOKEN = /^(?:([A-Za-z0-9_/.-]+)=)?(?:"((?:[^"\\]|\\.)*)"|([^ "]*))(?: +|$)/s

/** Splits `text` at spaces into bare words and pairs; the first of two equal keys wins. */
export function parseKeyValues(text: string): KeyValues | undefined {
  const words: string[] = []
  const pairs = new Map<string, string>()
  let rest = text.replace(/^ +/, '')
  while (rest.length > 0) {
    const match = TOKEN.exec(rest)
    if (match === null || match[0].length === 0) return undefined
    const value = match[2] === undefined ? (match[3] ?? '') : unescapeCString(match[2])
    if (match[1] === undefined) words.push(value)
    else if (!pairs.has(match[1])) pairs.set(match[1], value)
    rest = rest.slice(match[0].length)
  }
  return { words, pairs }
}
