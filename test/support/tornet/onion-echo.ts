/**
 * The least that shows a working network: an onion service on one client, a stream to it from another.
 * Never goes through the provider of src/tor: a failing test of that one must not look like a failing network.
 * @module
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { connectControl, controlCommand } from '../../../src/tor/index.ts'
import type { TornetClient } from './types.ts'

export interface TestOnion {
  /** 56 characters, without `.onion`. */
  readonly address: string
  close(): Promise<void>
}

/** Publishes a new onion service whose port 1 leads to a unix socket; resolves when all its directories have it. */
export async function publishTestOnion(client: TornetClient, targetPath: string): Promise<TestOnion> {
  const control = await connectControl({ path: client.controlPath })
  try {
    await control.authenticate()
    const published = Promise.withResolvers<void>()
    let asked = 0
    let answered = 0
    let uploaded = 0
    control.onEvent((event) => {
      const action = event.text.split(' ')[0]
      if (action === 'UPLOAD') asked += 1
      if (action === 'UPLOADED' || action === 'FAILED') answered += 1
      if (action === 'UPLOADED') uploaded += 1
      // Waiting for the first one only made 12 of 96 first dials fail (TORNET §1.1).
      if (uploaded > 0 && answered >= asked) published.resolve()
    })
    void control.closed.then(() => published.reject(new Error('the control connection closed before publication')))
    await control.command('SETEVENTS HS_DESC')
    const reply = await control.command(
      controlCommand('ADD_ONION', 'NEW:ED25519-V3', 'Flags=DiscardPK', `Port=1,unix:${targetPath}`),
    )
    const address = reply.lines[0]?.text.replace('ServiceID=', '') ?? ''
    await published.promise
    return { address, close: () => control.close() }
  } catch (error: unknown) {
    await control.close()
    throw error
  }
}

/** Reads exactly `length` bytes and leaves what follows in the stream. */
export function readExactly(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0)
    const release = (): void => {
      socket.pause()
      socket.removeListener('data', onData)
      socket.removeListener('end', onEnd)
      socket.removeListener('close', onEnd)
    }
    const onData = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      if (held.length < length) return
      release()
      if (held.length > length) socket.unshift(held.subarray(length))
      resolve(held.subarray(0, length))
    }
    const onEnd = (): void => {
      release()
      reject(new Error('the stream ended early'))
    }
    if (socket.destroyed || socket.readableEnded) return onEnd()
    socket.on('end', onEnd)
    socket.on('close', onEnd)
    socket.on('data', onData)
    socket.resume()
  })
}

/** Opens a raw stream to port 1 of an onion service. @throws {Error} with the SOCKS reply code in `socksReply` */
export async function dialTestOnion(client: TornetClient, address: string, isolation: string): Promise<Socket> {
  const socket = connect({ path: client.socksPath })
  try {
    await once(socket, 'connect')
    socket.write(Buffer.from([5, 1, 2]))
    await readExactly(socket, 2)
    socket.write(Buffer.concat([Buffer.from([1, isolation.length]), Buffer.from(isolation), Buffer.from([1, 0x78])]))
    await readExactly(socket, 2)
    const host = Buffer.from(`${address}.onion`)
    socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, host.length]), host, Buffer.from([0, 1])]))
    const reply = await readExactly(socket, 4)
    if (reply[1] !== 0) throw Object.assign(new Error('the onion could not be reached'), { socksReply: reply[1] })
    // The bound address, which tor leaves empty, as IPv4 or IPv6, and a port.
    await readExactly(socket, reply[3] === 4 ? 18 : 6)
    return socket
  } catch (error: unknown) {
    socket.destroy()
    throw error
  }
}
