/**
 * Runs the daemon in this process: the process's own signals, streams and environment, handed over once.
 * Never used by anything but main programs.
 * @module
 */
import { readFileSync } from 'node:fs'
import { composeDaemon } from './compose.ts'
import { runDaemon } from './run-daemon.ts'

/** `compose` builds the daemon; programs of the tests put witnesses in front of its ports. Sets the exit code. */
export async function runDaemonProcess(compose: typeof composeDaemon = composeDaemon): Promise<void> {
  // Files that we make are for nobody else.
  process.umask(0o077)
  process.exitCode = await runDaemon(
    process.argv.slice(3),
    {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      environment: process.env,
      version: readVersion(),
      onSignal: (listener) => {
        process.on('SIGINT', listener)
        process.on('SIGTERM', listener)
        return () => {
          process.off('SIGINT', listener)
          process.off('SIGTERM', listener)
        }
      },
      force: (exitCode) => process.exit(exitCode),
    },
    compose,
  )
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
