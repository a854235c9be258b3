/**
 * A control-port filter in the manner of onion-grater: whole-argument patterns, 510 for the rest, NULL authentication.
 * Reads the profiles of spec 07-tor §8 from the document itself, so that what is documented is what is tested.
 * @module
 */
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { later } from './support.ts'

export interface FilterProfile {
  readonly commands: Readonly<Record<string, readonly string[]>>
  /** Events that may be asked for; `suppress` accepts and never delivers. */
  readonly events: Readonly<Record<string, 'pass' | 'suppress'>>
}

const SPEC = new URL('../../../docs/spec/07-tor.md', import.meta.url)

/** Reads the YAML block behind the heading of the given profile; knows as much YAML as those blocks use. */
export function documentedProfile(name: 'noctule' | 'onionshare'): FilterProfile {
  const block = new RegExp(`<!-- profile: ${name} -->\\s+\`\`\`yaml\\n([\\s\\S]*?)\`\`\``).exec(
    readFileSync(SPEC, 'utf8'),
  )?.[1]
  if (block === undefined) throw new Error(`no profile ${name} in the spec`)
  const commands: Record<string, string[]> = {}
  const events: Record<string, 'pass' | 'suppress'> = {}
  let section = ''
  let key = ''
  for (const line of block.split('\n')) {
    const [, indent = '', dash = '', rest = ''] = /^( *)(- )?(.*)$/.exec(line) ?? []
    if (indent.length === 2 && dash === '') section = rest
    else if (indent.length === 4 && dash === '' && rest.endsWith(':')) {
      key = rest.slice(0, -1)
      if (section === 'commands:') commands[key] = []
      if (section === 'events:') events[key] = 'pass'
    } else if (section === 'commands:' && dash !== '') commands[key]?.push(rest.replace(/^'(.*)'$/, '$1'))
    else if (section === 'events:' && rest === 'suppress: true') events[key] = 'suppress'
  }
  return { commands, events }
}

/** True when the filter lets the line through to tor. */
export function isAdmitted(profile: FilterProfile, line: string): boolean {
  const space = line.indexOf(' ')
  const verb = space < 0 ? line : line.slice(0, space)
  const argument = space < 0 ? '' : line.slice(space + 1)
  if (verb === 'SETEVENTS') return argument.split(' ').every((event) => event in profile.events)
  return (profile.commands[verb] ?? []).some((pattern) => new RegExp(`^(?:${pattern})$`).test(argument))
}

export interface ControlFilter {
  readonly port: number
  /** Lines in the order they came, and whether they went through. */
  readonly seen: { readonly line: string; readonly admitted: boolean }[]
}

/** Listens on a free port of 127.0.0.1 in front of the control socket `upstream`, to which it authenticates itself. */
export async function startControlFilter(
  context: Pick<TestContext, 'after'>,
  profile: FilterProfile,
  upstream: () => Promise<{ readonly path: string; readonly authenticate: string }>,
): Promise<ControlFilter> {
  const seen: { line: string; admitted: boolean }[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => undefined)
    let held = ''
    let tor: Promise<Socket> | undefined
    const toTor = async (): Promise<Socket> => {
      const { path, authenticate } = await upstream()
      const socket = connect({ path })
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.write(`${authenticate}\r\n`)
      let first = true
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        const lines = text.split('\r\n')
        text = lines.pop() ?? ''
        for (const line of lines) {
          const event = /^650[ -](\w+)/.exec(line)?.[1]
          if (!first && (event === undefined || profile.events[event] === 'pass')) client.write(`${line}\r\n`, 'latin1')
          first = false
        }
      })
      socket.on('close', () => client.destroy())
      client.on('close', () => socket.destroy())
      return socket
    }
    const handle = async (line: string): Promise<void> => {
      const verb = line.split(' ')[0]
      if (verb === 'PROTOCOLINFO') {
        client.write('250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n')
      } else if (verb === 'AUTHENTICATE') {
        client.write('250 OK\r\n')
      } else {
        const admitted = isAdmitted(profile, line)
        seen.push({ line, admitted })
        if (!admitted) {
          client.write('510 Command filtered\r\n')
          return
        }
        tor ??= toTor()
        const socket = await tor
        socket.write(`${line}\r\n`, 'latin1')
      }
    }
    let turn = Promise.resolve()
    client.on('data', (chunk) => {
      held += chunk.toString('latin1')
      const lines = held.split('\r\n')
      held = lines.pop() ?? ''
      for (const line of lines) turn = turn.then(() => handle(line)).catch(() => void client.destroy())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(context, () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, seen }
}
