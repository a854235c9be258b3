/**
 * `npm run bench`: every figure of the project in one run on one private network, with targets where there are some.
 * Never a gate of the tests: the machine is shared, and a figure says what was measured, not what must be.
 * @module
 */
import { cpus, release } from 'node:os'
import { startTornet } from '../../test/support/tornet/index.ts'
import { benchBoxStore } from './box-store.ts'
import { benchClock } from './clock.ts'
import { benchCourier } from './courier.ts'
import { benchDaemon } from './daemon.ts'
import { type Figure, formatFigure, isMet } from './figures.ts'
import { benchMailboxTable } from './mailbox-table.ts'
import { benchSession } from './session.ts'
import { benchStore } from './store.ts'
import { attach, benchTransport } from './transport.ts'

function show(figures: readonly Figure[]): readonly Figure[] {
  for (const figure of figures) process.stdout.write(`${formatFigure(figure)}\n`)
  return figures
}

process.stdout.write(
  `noctule bench: Node ${process.versions.node}, kernel ${release()}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})\n` +
    'Private Tor network on this machine without delayed acknowledgements (TORNET §1.3); nothing else should run.\n\n',
)
const tornet = await startTornet({ namespace: 'quickack', clients: 2 })
try {
  const [dialer] = tornet.clients
  if (dialer === undefined) throw new Error('the benchmark needs two clients')
  const { figures, rawRttMs } = await benchTransport(tornet)
  const all = [
    ...show(figures),
    ...show(await benchCourier(tornet, rawRttMs, (directory) => attach(dialer, directory))),
    ...show(await benchDaemon(tornet, rawRttMs)),
    ...show(await benchClock(tornet)),
    ...show(benchSession()),
    ...show(await benchStore()),
    ...show(benchMailboxTable()),
    ...show(await benchBoxStore()),
  ]
  const missed = all.filter((figure) => isMet(figure) === false)
  process.stdout.write(
    `\n${all.length} figures, ${missed.length} targets not met${missed.length > 0 ? `: ${missed.map(({ name }) => name).join('; ')}` : ''}\n`,
  )
} finally {
  await tornet.stop()
}
