#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The `noctule` program: `noctule daemon` runs the daemon, everything else talks to it.
 * Never does more than to hand the process's own things to the two. HOUSE §4.2.
 * @module
 */
// Each half loads the modules that it needs: a command does not wait for libp2p.
if (process.argv[2] === 'daemon') {
  const { runDaemonProcess } = await import('./daemon-process.ts')
  await runDaemonProcess()
} else {
  const { createStreamIo, runCli } = await import('../cli/index.ts')
  const { createSystemClock } = await import('./system.ts')
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const { stdin, stdout, stderr } = process
  const { nowMs, sleep } = createSystemClock()
  const io = createStreamIo({ stdin, stdout, stderr, signal: interrupted.signal, nowMs, sleep })
  process.exitCode = await runCli(process.argv.slice(2), io, process.env)
}
