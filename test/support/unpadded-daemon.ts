/**
 * The control of the captures: the shipped daemon behind a network that lets records to couriers leave only while there is
 * something to say. What a daemon would be without its clock.
 * Never part of what is installed: the leak is in this file, in front of the port, and in no production code.
 * @module
 */
import { composeDaemon, runDaemonProcess } from '../../src/daemon/index.ts'
import { SESSION_FUNCTIONS, type SessionFunctions } from '../../src/messenger/index.ts'
import type { RecordLink, RecordNetwork } from '../../src/ports/index.ts'
import { decodeCourierRequest, encodeCourierAnswer } from '../../src/wire/index.ts'

const COURIER_PROTOCOL = '/noctule/courier/1'
/** Hello and table: without them there is no session. */
const SETUP_RECORDS = 12
/** After a message was sealed, and after one has left: time for a few slots, and for an answer. */
const OPEN_MS = 90_000

const state = { isGated: false, speed: 1, openUntilMs: 0 }
/** Messages that left and were not stored yet. */
const underWay = new Set<string>()

function open(): void {
  state.openUntilMs = Math.max(state.openUntilMs, performance.now() + OPEN_MS / state.speed)
}

function isOpen(): boolean {
  return !state.isGated || underWay.size > 0 || performance.now() < state.openUntilMs
}

const session: SessionFunctions = {
  ...SESSION_FUNCTIONS,
  sealEnvelope(ratchet, body) {
    open()
    return SESSION_FUNCTIONS.sealEnvelope(ratchet, body)
  },
}

/** Records that do not leave are answered here, with nothing, so that the client believes in its courier. */
function gate(link: RecordLink): RecordLink {
  const waiting: Uint8Array[] = []
  let wake = (): void => undefined
  const inbox = { isOver: false }
  let count = 0
  const push = (record: Uint8Array): void => {
    waiting.push(record)
    wake()
  }
  const pump = async (): Promise<void> => {
    for (;;) {
      const record = await link.receive()
      if (record === undefined) break
      push(record)
    }
    inbox.isOver = true
    wake()
  }
  void pump()
  return {
    recordBytes: link.recordBytes,
    remoteKey: link.remoteKey,
    closed: link.closed,
    close: () => link.close(),
    async receive() {
      while (waiting.length === 0 && !inbox.isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return waiting.shift()
    },
    async send(record) {
      count += 1
      const isSetup = count <= SETUP_RECORDS || decodeCourierRequest(record)?.kind === 'hello'
      if (isSetup || isOpen()) await link.send(record)
      else push(encodeCourierAnswer({ kind: 'replies', replies: [] }))
    },
  }
}

function wrapNetwork(network: RecordNetwork): RecordNetwork {
  return {
    listen: (options) => network.listen(options),
    async dial(options) {
      const link = await network.dial(options)
      return options.protocol === COURIER_PROTOCOL ? gate(link) : link
    },
    stop: () => network.stop(),
  }
}

await runDaemonProcess(async (config, deps) => {
  state.speed = config.unsafe.mailboxSpeed ?? 1
  const daemon = await composeDaemon(config, { ...deps, session, wrapNetwork })
  daemon.messenger.onEvent(({ body }) => {
    if (body.type === 'contact' && body.state === 'active') {
      open()
      state.isGated = true
    }
    if (body.type !== 'delivery') return
    if (body.delivery === 'sent') {
      underWay.add(body.messageId)
      open()
    } else underWay.delete(body.messageId)
  })
  return daemon
})
