/**
 * The shipped daemon with a witness: every ratchet key that is used and every envelope that leaves is written down.
 * Never part of what is installed: it names hashes of keys. With AUDIT_CONTROL=forget-session it breaks on purpose.
 * @module
 */
import { createHash } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { composeDaemon, runDaemonProcess } from '../../src/daemon/index.ts'
import { SESSION_FUNCTIONS, type SessionFunctions } from '../../src/messenger/index.ts'
import type { KeyValueStore, RecordLink, RecordNetwork } from '../../src/ports/index.ts'
import { decodeLaneRecord } from '../../src/wire/index.ts'

const auditPath = process.env['AUDIT_FILE']
if (auditPath === undefined) throw new Error('AUDIT_FILE is not set')
// Append-only and synchronous: a line that was written survives the SIGKILL that follows it.
const audit = openSync(auditPath, 'a', 0o600)

function note(kind: 'seal' | 'open' | 'leave', ...values: readonly Uint8Array[]): void {
  const hashes = values.map((value) => createHash('sha256').update(value).digest('hex').slice(0, 32))
  writeSync(audit, `${[kind, ...hashes].join(' ')}\n`)
}

const session: SessionFunctions = {
  ...SESSION_FUNCTIONS,
  sealEnvelope(state, body) {
    const sealed = SESSION_FUNCTIONS.sealEnvelope(state, body)
    note('seal', sealed.consumed[0] ?? new Uint8Array(), sealed.envelope)
    return sealed
  },
  openEnvelope(state, envelope, nowMs) {
    const opened = SESSION_FUNCTIONS.openEnvelope(state, envelope, nowMs)
    if (opened.ok) note('open', opened.consumed[0] ?? new Uint8Array(), envelope)
    return opened
  },
}

function watchLink(link: RecordLink): RecordLink {
  return {
    recordBytes: link.recordBytes,
    remoteKey: link.remoteKey,
    closed: link.closed,
    receive: () => link.receive(),
    close: () => link.close(),
    send(record) {
      const decoded = decodeLaneRecord(record)
      if (decoded?.kind === 'envelope') note('leave', decoded.envelope)
      return link.send(record)
    },
  }
}

function wrapNetwork(network: RecordNetwork): RecordNetwork {
  return {
    listen: (options) => network.listen({ ...options, onLink: (link) => options.onLink(watchLink(link)) }),
    dial: async (options) => watchLink(await network.dial(options)),
    stop: () => network.stop(),
  }
}

/** The control: ratchet states are never stored again after the first, as in a daemon that sends before it saves. */
function forgetSessions(store: KeyValueStore): KeyValueStore {
  return {
    get: (table, key) => store.get(table, key),
    renewErasureKey: () => store.renewErasureKey(),
    close: () => store.close(),
    async batch(operations) {
      const kept = []
      for (const operation of operations) {
        const isState = operation.type === 'put' && operation.table === 'session'
        if (isState && (await store.get(operation.table, operation.key)) !== undefined) continue
        kept.push(operation)
      }
      await store.batch(kept)
    },
  }
}

await runDaemonProcess((config, deps) =>
  composeDaemon(config, {
    ...deps,
    session,
    wrapNetwork,
    ...(process.env['AUDIT_CONTROL'] === 'forget-session' ? { wrapStore: forgetSessions } : {}),
  }),
)
