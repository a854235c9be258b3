/** A SOCKS 5 server that says what a test tells it to. @module */
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { later, shortDirectory } from '../support.ts'

export interface SocksScript {
  readonly method?: Uint8Array
  readonly authentication?: Uint8Array
  /** Undefined answers the request with nothing. */
  readonly reply?: Uint8Array | undefined
  /** Bytes per write; undefined writes each message whole. */
  readonly step?: number
  /** Called when the reply is out. */
  readonly onOpen?: (socket: Socket) => void
}

export interface ScriptedSocks {
  readonly path: string
  readonly users: string[]
  readonly requests: { readonly host: string; readonly port: number }[]
  /** What came behind the requests, all connections together. */
  readonly data: Buffer[]
  openSockets(): number
}

/** 0x00 granted, with the address that tor writes. */
export const GRANTED = Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)

export const replyWith = (code: number): Uint8Array => Uint8Array.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0)

export async function scriptedSocks(context: Pick<TestContext, 'after'>, script: SocksScript): Promise<ScriptedSocks> {
  const path = `${await shortDirectory(context)}/socks`
  const users: string[] = []
  const requests: { host: string; port: number }[] = []
  const data: Buffer[] = []
  const sockets = new Set<Socket>()
  const say = async (socket: Socket, bytes: Uint8Array): Promise<void> => {
    const step = script.step ?? bytes.length
    for (let at = 0; at < bytes.length; at += step) {
      socket.write(bytes.subarray(at, at + step))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let held = Buffer.alloc(0)
    let state: 'greeting' | 'user' | 'request' | 'open' = 'greeting'
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      if (state === 'greeting' && held.length >= 2 + (held[1] ?? 0)) {
        held = held.subarray(2 + (held[1] ?? 0))
        state = 'user'
        void say(socket, script.method ?? Uint8Array.of(5, 2))
      }
      const userLength = held[1] ?? 0
      if (state === 'user' && held.length >= 3 + userLength) {
        const end = 3 + userLength + (held[2 + userLength] ?? 0)
        users.push(held.subarray(2, 2 + userLength).toString())
        held = held.subarray(end)
        state = 'request'
        void say(socket, script.authentication ?? Uint8Array.of(1, 0))
      }
      const hostLength = held[4] ?? 0
      if (state === 'request' && held.length >= 7 + hostLength) {
        requests.push({ host: held.subarray(5, 5 + hostLength).toString(), port: held.readUInt16BE(5 + hostLength) })
        held = held.subarray(7 + hostLength)
        state = 'open'
        if (script.reply !== undefined) void say(socket, script.reply).then(() => script.onOpen?.(socket))
      }
      if (state === 'open' && held.length > 0) {
        data.push(held)
        held = Buffer.alloc(0)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  later(context, () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { path, users, requests, data, openSockets: () => sockets.size }
}
