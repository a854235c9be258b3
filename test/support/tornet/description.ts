/**
 * The file by which other processes find a running network, and its reading.
 * Never holds a key: cookies and keys stay in their own files.
 * @module
 */
import type { Tornet, TornetOptions } from './types.ts'

export const DESCRIPTION_FILE = 'tornet.json'

export interface TornetDescription {
  readonly namespace: NonNullable<TornetOptions['namespace']>
  readonly torrcLines: readonly string[]
  /** Stands in front of a command to run it in the namespace of the relays. */
  readonly prefix: readonly string[]
  readonly clients: readonly {
    readonly controlPath: string
    readonly socksPath: string
    readonly cookiePath: string
    readonly pid: number
  }[]
  readonly timings: Tornet['timings']
}

export function encodeDescription(tornet: Tornet, namespace: TornetDescription['namespace']): string {
  const description: TornetDescription = {
    namespace,
    torrcLines: tornet.clientTorrcLines(),
    prefix: tornet.commandInside([]),
    clients: tornet.clients.map(({ controlPath, socksPath, cookiePath, pid }) => ({
      controlPath,
      socksPath,
      cookiePath,
      pid,
    })),
    timings: tornet.timings,
  }
  return `${JSON.stringify(description, undefined, 2)}\n`
}

/** Trusts the file: it lies in a directory that only we can write. @throws {SyntaxError} when it is cut short */
export function parseDescription(text: string): TornetDescription {
  return JSON.parse(text) as TornetDescription
}
