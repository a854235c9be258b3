/**
 * Writes the configuration of our own tor.
 * Never opens a TCP port: control and SOCKS are unix sockets in a directory of ours alone. Spec 07-tor §1.3.
 * @module
 */
import { quoteString } from '../control/index.ts'
import type { ChildTorOptions } from '../options.ts'

export interface ChildPaths {
  readonly torrc: string
  /** An empty file that hides the defaults of the distribution; /dev/null is rejected by tor. */
  readonly defaults: string
  readonly data: string
  readonly control: string
  readonly socks: string
  readonly cookie: string
}

export function childPaths(options: ChildTorOptions, socketDirectory: string): ChildPaths {
  return {
    torrc: `${options.directory}/torrc`,
    defaults: `${options.directory}/defaults-torrc`,
    data: `${options.directory}/data`,
    control: `${socketDirectory}/control`,
    socks: `${socketDirectory}/socks`,
    cookie: `${options.directory}/cookie`,
  }
}

/** The torrc; `owner` is the process whose end must be tor's. */
export function childTorrc(options: ChildTorOptions, paths: ChildPaths, owner: number): string {
  return [
    `DataDirectory ${quoteString(paths.data)}`,
    `ControlPort unix:${paths.control}`,
    'CookieAuthentication 1',
    `CookieAuthFile ${quoteString(paths.cookie)}`,
    // Onion services only, one circuit per credentials, and reasons instead of "general failure".
    `SocksPort unix:${paths.socks} ExtendedErrors IsolateSOCKSAuth OnionTrafficOnly`,
    // Second wall behind TAKEOWNERSHIP: tor looks every 15 s whether we live.
    `__OwningControllerProcess ${owner}`,
    'ConnectionPadding 1',
    // A daemon that was idle for a day must not wake up to a tor that sleeps.
    'DormantCanceledByStartup 1',
    'AvoidDiskWrites 1',
    'Log warn stdout',
    ...(options.bridges.length === 0 ? [] : ['UseBridges 1']),
    ...options.transportPlugins.map((line) => `ClientTransportPlugin ${line}`),
    ...options.bridges.map((line) => `Bridge ${line}`),
    ...options.extraLines,
    '',
  ].join('\n')
}
