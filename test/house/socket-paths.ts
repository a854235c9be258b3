/**
 * Follows imports and calls from what front ends ask for to what reaches a socket.
 * Never believes a name: a module counts as close to a socket because of what it calls.
 * @module
 */
import { dirname, join } from 'node:path'
import { lineAt, type SourceFile, withoutComments } from './support.ts'

/**
 * The modules of the messenger and of the mailboxes that may call a network or a link, each with its reason. A module that
 * is not here has no business with sockets; one that is here and calls nothing is a mistake in this list.
 */
export const SOCKET_MODULES: ReadonlyMap<string, string> = new Map([
  ['src/messenger/lane-runner.ts', 'dials and listens for a lane; started by the live clock'],
  ['src/messenger/lane-link.ts', 'sends a record of a lane at its slot'],
  ['src/messenger/rendezvous.ts', 'the exchange of an invite; started by the live clock'],
  ['src/mailbox/client/courier-link.ts', 'dials a courier and hands records over; started by the epochs'],
  ['src/mailbox/client/slots.ts', 'sends what was prepared, at its slot'],
  ['src/mailbox/client/client.ts', 'what the slots of the three lanes send'],
  ['src/mailbox/client/fetch-host-table.ts', 'asks a courier for the table in the name of a host that joins'],
  ['src/mailbox/host/courier.ts', 'listens for the clients of a host'],
  ['src/mailbox/host/courier-session.ts', 'answers a client, one record for each of its own'],
  ['src/mailbox/host/host-calls.ts', 'asks other hosts on behalf of a host'],
  ['src/mailbox/host/discovery.ts', 'publishes and looks up descriptors of hosts'],
])

/** Calls of a network, a mesh or a link. `this.send` is a link's own. */
const SOCKET_CALL =
  /\.(?:dial|listen|putRecord|getRecord|crawl)\(|\b(?:mesh)\.request\(|\b(?:\w*[lL]ink|prepared|network)\.send\(|\bthis\.send\(|\.send\((?:courier|record|encode)/g

export function socketCalls({ text }: SourceFile): string[] {
  const code = withoutComments(text)
  return (
    [...code.matchAll(SOCKET_CALL)]
      // The store's own reader has this name as well.
      .filter((hit) => !(hit[0] === '.getRecord(' && code.slice(hit.index - 4, hit.index) !== 'mesh'))
      .map((hit) => `line ${lineAt(code, hit.index)}: ${hit[0]}`)
  )
}

/** Files that a module loads: everything it imports or exports from that is not a type alone. */
export function loadedBy({ path, text }: SourceFile): string[] {
  const code = withoutComments(text)
  const statements = code.matchAll(
    /\b(?:import|export)\s+(type\s+)?([^'";]*?)from\s+'(\.[^']+)'|\bimport\s*\(\s*'(\.[^']+)'/g,
  )
  return [...statements].flatMap(([, isType, names = '', from, lazily]) => {
    const target = from ?? lazily ?? ''
    const members = /\{([\s\S]*)\}/.exec(names)?.[1]
    const hasTypesOnly =
      members !== undefined &&
      members
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
        .every((name) => name.startsWith('type '))
    return isType !== undefined || hasTypesOnly ? [] : [join(dirname(path), target)]
  })
}

/** A way of imports from one of `from` to one of `to`, inside the files given; undefined for none. */
export function findWay(
  files: ReadonlyMap<string, SourceFile>,
  from: readonly string[],
  to: ReadonlySet<string>,
): readonly string[] | undefined {
  const ways = from.map((path): readonly string[] => [path])
  const seen = new Set(from)
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const last = way.at(-1) ?? ''
    if (to.has(last)) return way
    const file = files.get(last)
    for (const next of file === undefined ? [] : loadedBy(file)) {
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return undefined
}
