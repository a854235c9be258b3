/**
 * The shipped daemon as a host that means ill: with FAULT=liar it signs receipts for boxes that it throws away, with
 * FAULT=garbage it gives out damaged boxes and every other one not at all.
 * Never part of what is installed.
 * @module
 */
import { composeDaemon, runDaemonProcess } from '../../src/daemon/index.ts'
import type { BoxStore } from '../../src/ports/index.ts'

const FAULTS: Readonly<Record<string, (boxes: BoxStore) => BoxStore>> = {
  liar: (boxes) => ({
    ...boxes,
    put: (_box, expiresAtMs) => Promise.resolve({ status: 'stored', expiresAtMs: expiresAtMs - (expiresAtMs % 1000) }),
    get: () => Promise.resolve(undefined),
    has: () => Promise.resolve(true),
  }),
  garbage: (boxes) => ({
    ...boxes,
    async get(boxId) {
      const box = await boxes.get(boxId)
      if (box === undefined || (boxId[0] ?? 0) % 2 === 0) return undefined
      return { ...box, ciphertext: box.ciphertext.map((byte) => byte ^ 0x55) }
    },
  }),
}

const wrapBoxes = FAULTS[process.env['FAULT'] ?? '']
if (wrapBoxes === undefined) throw new Error(`FAULT must be one of ${Object.keys(FAULTS).join(', ')}`)
await runDaemonProcess((config, deps) => composeDaemon(config, { ...deps, wrapBoxes }))
