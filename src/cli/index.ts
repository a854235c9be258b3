/** The command line: a thin client of the RPC. @module */
export { COMMANDS, METHODS_WITHOUT_COMMAND } from './commands/index.ts'
export { CLI_ERRORS } from './errors.ts'
export { EXIT_CODES } from './exit-codes.ts'
export { generalHelp } from './help.ts'
export type { CliEnvironment, CliIo, StreamIoDeps } from './io.ts'
export { createStreamIo } from './io.ts'
export { runCli } from './run.ts'
