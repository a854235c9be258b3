/**
 * Invites as QR codes, for a terminal or as a picture. The home of the `qrcode` package.
 * Never sends anything anywhere: the code is drawn on this machine. In upper case an invite means the same (spec
 * 06-identity §3) and fits the denser alphanumeric mode.
 * @module
 */
import QRCode from 'qrcode'

export const QR_FORMS = ['terminal', 'svg', 'none'] as const

const QUIET_ZONE_MODULES = 4
const BLACK_ON_WHITE = '\u001b[30;47m'
const RESET = '\u001b[0m'

/**
 * Half blocks, two rows of modules a line. Without colours the light modules are drawn, which is right on the usual
 * dark terminal; with colours it is right on any.
 */
export function terminalQr(text: string, colours: boolean): string {
  const { modules } = QRCode.create(text.toUpperCase(), { errorCorrectionLevel: 'M' })
  const isDark = (row: number, column: number): boolean => {
    const inside = row >= 0 && column >= 0 && row < modules.size && column < modules.size
    return inside && modules.get(row, column) !== 0
  }
  // Named by which half is to be painted in the foreground.
  const blocks = { none: ' ', upper: '▀', lower: '▄', both: '█' }
  const lines: string[] = []
  const end = modules.size + QUIET_ZONE_MODULES
  for (let row = -QUIET_ZONE_MODULES; row < end; row += 2) {
    let line = ''
    for (let column = -QUIET_ZONE_MODULES; column < end; column += 1) {
      const upper = isDark(row, column) === colours
      const lower = isDark(row + 1, column) === colours
      line += upper ? (lower ? blocks.both : blocks.upper) : lower ? blocks.lower : blocks.none
    }
    lines.push(colours ? BLACK_ON_WHITE + line + RESET : line)
  }
  return lines.join('\n').concat('\n')
}

/** A whole SVG document. */
export async function svgQr(text: string): Promise<string> {
  const svg = await QRCode.toString(text.toUpperCase(), {
    type: 'svg',
    errorCorrectionLevel: 'M',
    margin: QUIET_ZONE_MODULES,
  })
  return svg.endsWith('\n') ? svg : `${svg}\n`
}
