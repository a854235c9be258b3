/** The composition root and the daemon program, for the main file and for tests that put witnesses in front of ports. @module */
export type { Daemon, DaemonDeps } from './compose.ts'
export { composeDaemon } from './compose.ts'
export type { ConfigEnvironment, ConfigOverrides, ConfigResult, DaemonConfig } from './config.ts'
export { readConfig, resolveConfig } from './config.ts'
export { runDaemonProcess } from './daemon-process.ts'
export { createSystemClock, createSystemLogger, createSystemRandom } from './system.ts'
