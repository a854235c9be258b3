/**
 * The logger that libp2p and everything under it gets.
 * Never passes on a text or an argument of libp2p, at any level and whatever `DEBUG` says: its formatters print peer ids
 * and addresses in full. What remains is that some component reported an error.
 * @module
 */
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import type { Logger, LogWord } from '../ports/index.ts'

/** Names of components as they stand in the sources: no digit and no capital, so no id, key or onion address fits. */
const COMPONENT = /^libp2p(:[a-z-]{1,24}){0,3}$/

/** Reports errors of libp2p as `libp2p.error` with the component's name at debug level; drops all else. */
export function createRedactingLogger(logger: Logger): ComponentLogger {
  return {
    forComponent(name) {
      const component = (COMPONENT.test(name) ? name : 'libp2p') as LogWord
      return createScope(() => logger.debug('libp2p.error', { component }))
    },
  }
}

function createScope(report: () => void): Libp2pLogger {
  const silent = (): void => undefined
  const trace = Object.assign(silent.bind(undefined), { enabled: false })
  return Object.assign(silent.bind(undefined), {
    error: report,
    trace,
    enabled: false,
    // Scopes are named after random connection ids and streams.
    newScope: () => createScope(report),
  })
}
