/**
 * Makes foreign text fit for a terminal.
 * Never lets a control character or an invisible one through: a message must not move the cursor, change colours,
 * reorder what stands next to it, or hide anything. Spec 08-rpc §7.
 * @module
 */

/**
 * Control and format characters, separators that end lines, lone surrogates, and whatever Unicode calls ignorable by
 * default, such as fillers and tags. The two joiners and the first sixteen variation selectors stay, because emoji and
 * several scripts need them and they move nothing.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?!\u200c|\u200d|[\ufe00-\ufe0f])[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** One line of harmless text; line feeds and tabs show as escapes too. */
export function neutralise(text: string): string {
  return text.replaceAll(UNSAFE, escapeCharacter)
}

/** Harmless text in which line feeds still end lines; each further line is indented, so that it cannot pose as ours. */
export function neutraliseLines(text: string, indent: string): string {
  return text.split(/\r?\n/u).map(neutralise).join(`\n${indent}`)
}

/** JSON on one line whose every unsafe character is escaped in the way of JSON, so that its value stays the same. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, (character) =>
    // An astral character is two units, and JSON escapes units.
    Array.from({ length: character.length }, (_, index) => unitEscape(character.charCodeAt(index))).join(''),
  )
}

function unitEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** `one thing`, `2 things`. */
export function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const MARK = /^[\p{M}\u200c\u200d]$/u

/** Columns that a text takes on a usual terminal. */
export function displayWidth(text: string): number {
  const segments = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)
  let width = 0
  for (const { segment } of segments) {
    if (!MARK.test(segment)) width += WIDE.test(segment) ? 2 : 1
  }
  return width
}

/** Rows as aligned columns with a heading; cells must be neutralised already. Ends with a line feed. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ''))))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** Words in lines of at most `width` columns; a longer word has a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

const SAFETY_GROUPS_A_LINE_COUNT = 4

/** The safety number in lines of four groups: short enough to be read aloud. */
export function safetyNumberLines(safetyNumber: string, indent: string): string {
  const groups = safetyNumber.replaceAll(/[^0-9]/g, '').match(/.{1,5}/g) ?? []
  const lines: string[] = []
  for (let index = 0; index < groups.length; index += SAFETY_GROUPS_A_LINE_COUNT) {
    lines.push(indent + groups.slice(index, index + SAFETY_GROUPS_A_LINE_COUNT).join(' '))
  }
  return lines.join('\n')
}
