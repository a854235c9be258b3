/**
 * Runs the tools of the gates, quietly or for everybody to see.
 * Never through a shell, and never with the variables by which a test run talks to its own processes.
 * @module
 */
import { spawn } from 'node:child_process'

export interface Finished {
  readonly code: number
  /** Standard output, then standard error. */
  readonly output: string
}

export interface RunOptions {
  readonly directory: string
  readonly environment?: NodeJS.ProcessEnv
  /** Shows the output as it comes as well. */
  readonly show?: boolean
}

/** The environment without what would make a tool believe that it is part of the test run above it. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env, NO_COLOR: '1' }
  for (const name of ['NODE_TEST_CONTEXT', 'NODE_V8_COVERAGE', 'NODE_OPTIONS', 'FORCE_COLOR']) {
    Reflect.deleteProperty(environment, name)
  }
  return environment
}

/** Runs this Node with `args` and resolves when it has ended, however it ended. */
export function runNode(args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: options.directory,
      env: options.environment ?? cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    const onOut = (chunk: Buffer): void => {
      out.push(chunk)
      if (options.show === true) process.stdout.write(chunk)
    }
    const onErr = (chunk: Buffer): void => {
      err.push(chunk)
      if (options.show === true) process.stderr.write(chunk)
    }
    child.stdout.on('data', onOut)
    child.stderr.on('data', onErr)
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat([...out, ...err]).toString('utf8') }),
    )
  })
}
