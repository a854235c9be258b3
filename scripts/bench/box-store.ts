/**
 * How fast the box store of a host is, and what a box costs on disk and in memory.
 * Never in this process: memory is measured in one that does nothing else.
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BoxStoreRun } from './box-store-child.ts'
import type { Figure } from './figures.ts'

const BOXES = 1_000_000
/** What the daemon runs with: the first line of src/daemon/main.ts. */
const DAEMON_FLAG = '--max-semi-space-size=4'

export async function benchBoxStore(boxes = BOXES): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-bench-'))
  try {
    const child = join(import.meta.dirname, 'box-store-child.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [
      DAEMON_FLAG,
      child,
      join(directory, 'boxes'),
      String(boxes),
    ])
    const run = JSON.parse(stdout) as BoxStoreRun
    const at = `${boxes.toLocaleString('en')} boxes`
    return [
      { name: 'box store: writes', value: run.writesPerSecond, unit: '/s', how: `128 side by side, synced, to ${at}` },
      { name: 'box store: writes per core', value: run.writesPerCpuSecond, unit: '/s', how: 'with all compactions' },
      { name: 'box store: reads of a box', value: run.hitsPerSecond, unit: '/s', how: `4 side by side, at ${at}` },
      { name: 'box store: reads of a box per core', value: run.hitsPerCpuSecond, unit: '/s', how: 'the same' },
      { name: 'box store: misses', value: run.missesPerSecond, unit: '/s', how: `4 side by side, at ${at}` },
      { name: 'box store: misses per core', value: run.missesPerCpuSecond, unit: '/s', how: 'the same' },
      { name: 'box store: expiry', value: run.expiresPerSecond, unit: '/s', how: `a day of fourteen, of ${at}` },
      {
        name: 'box store: disk',
        value: run.diskBytesPerBox,
        unit: 'B/box',
        target: { most: 2_048 },
        how: `all files, at ${at}; the target is what a box is charged`,
      },
      {
        name: 'box store: memory at its peak',
        value: run.rssPeakMb,
        unit: 'MiB',
        target: { most: 300 },
        how: `VmHWM of the process, filling to ${at}`,
      },
      { name: 'box store: memory after opening', value: run.rssMb, unit: 'MiB', how: `VmRSS, at ${at}` },
      { name: 'box store: opening', value: run.openMs, unit: 'ms', how: `with its checks, at ${at}` },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
