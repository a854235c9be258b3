/**
 * What an observer of the line between a client's tor and its guard writes down: a SOCKS5 proxy (torrc `Socks5Proxy`) that
 * passes every byte on and notes when how many came. No privileges are needed, and tor's TLS stays as it is.
 * Never connects to anything but loopback addresses: it belongs to a private network.
 * @module
 */
import { connect, createServer, isIPv4, type Server, type Socket } from 'node:net'

export interface TapRead {
  /** Nanoseconds of the machine's monotonic clock, the same for all processes. */
  readonly atNs: bigint
  /** Up is from the client to its guard. */
  readonly direction: 'up' | 'down'
  readonly bytes: number
}

export interface GuardTap {
  readonly port: number
  /** Ends the proxy and everything that goes through it. Idempotent. */
  close(): Promise<void>
}

const SOCKS_VERSION = 5
const NO_AUTHENTICATION = 0
const CONNECT = 1
const ADDRESS_IPV4 = 1
const GRANTED = 0
const REFUSED = 5
const GREETING_HEAD_BYTES = 2
/** Version, command, reserved, type, four address bytes, two of the port. */
const REQUEST_BYTES = 10

export async function startGuardTap(onRead: (read: TapRead) => void): Promise<GuardTap> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    // Neither side's bytes wait for more: the tap must not be seen in the times.
    socket.setNoDelay(true)
    // Ends come as `close` as well.
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    keep(client)
    negotiate(client, (guard) => {
      keep(guard)
      forward(client, guard, 'up', onRead)
      forward(guard, client, 'down', onRead)
    })
  })
  const port = await listen(server)
  let closing: Promise<void> | undefined
  return {
    port,
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
      return closing
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the tap has no port')
  return address.port
}

/** Greeting, request, connection to the guard; then hands over with nothing of the stream read yet. */
function negotiate(client: Socket, onGuard: (guard: Socket) => void): void {
  let waiting = Buffer.alloc(0)
  let isGreeted = false
  const refuse = (): void => void client.end(reply(REFUSED))
  const onReadable = (): void => {
    for (let chunk: unknown = client.read(); chunk instanceof Uint8Array; chunk = client.read()) {
      waiting = Buffer.concat([waiting, chunk])
    }
    if (!isGreeted) {
      const length = GREETING_HEAD_BYTES + (waiting[1] ?? 0)
      if (waiting.length < GREETING_HEAD_BYTES || waiting.length < length) return
      isGreeted = true
      waiting = waiting.subarray(length)
      client.write(Uint8Array.of(SOCKS_VERSION, NO_AUTHENTICATION))
    }
    if (waiting.length < REQUEST_BYTES) return
    client.off('readable', onReadable)
    const target = readRequest(waiting)
    const rest = waiting.subarray(REQUEST_BYTES)
    if (target === undefined || rest.length > 0) {
      refuse()
      return
    }
    const guard = connect({ ...target, allowHalfOpen: true })
    client.once('close', () => guard.destroy())
    guard.once('error', refuse)
    guard.once('connect', () => {
      guard.off('error', refuse)
      onGuard(guard)
      client.write(reply(GRANTED))
    })
  }
  client.on('readable', onReadable)
}

/** Undefined for everything but a connection to an IPv4 loopback address. */
function readRequest(bytes: Uint8Array): { readonly host: string; readonly port: number } | undefined {
  const [version, command, , type] = bytes
  const host = bytes.subarray(4, 8).join('.')
  const port = ((bytes[8] ?? 0) << 8) | (bytes[9] ?? 0)
  const isFit = version === SOCKS_VERSION && command === CONNECT && type === ADDRESS_IPV4
  return isFit && isIPv4(host) && host.startsWith('127.') ? { host, port } : undefined
}

function reply(status: number): Uint8Array {
  return Uint8Array.of(SOCKS_VERSION, status, 0, ADDRESS_IPV4, 0, 0, 0, 0, 0, 0)
}

function forward(from: Socket, to: Socket, direction: TapRead['direction'], onRead: (read: TapRead) => void): void {
  from.on('data', (chunk: Buffer) => {
    onRead({ atNs: process.hrtime.bigint(), direction, bytes: chunk.length })
    if (to.writable && !to.write(chunk)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  })
  from.on('end', () => to.end())
  from.on('close', (hadError) => {
    if (hadError) to.destroy()
    else to.end()
  })
  from.resume()
}
