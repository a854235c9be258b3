/**
 * A logger for tests that do not look at the log.
 * Never keeps or prints anything.
 * @module
 */
import type { Logger } from '../../src/ports/index.ts'

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}
