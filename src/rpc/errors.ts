/**
 * Every way in which the RPC itself can fail, at start-up, for a request, or for a client.
 * Never names a path or repeats a request. HOUSE §4.4, spec 08-rpc §5.
 * @module
 */
import type { ErrorTable } from '../base/index.ts'
import { createErrorFactory } from '../base/index.ts'

export const RPC_ERRORS = {
  RPC_PARSE_ERROR: {
    kind: 'user',
    why: 'The line is not one JSON value in UTF-8.',
    remedy: 'Send one JSON-RPC 2.0 request or batch a line.',
  },
  RPC_LINE_TOO_LONG: {
    kind: 'user',
    why: 'The line is longer than the daemon reads.',
    remedy: 'Send shorter requests; the details say how many bytes a line may have.',
  },
  RPC_INVALID_REQUEST: {
    kind: 'user',
    why: 'The JSON value is not a JSON-RPC 2.0 request.',
    remedy: 'Send `jsonrpc`, `method`, `params` (an object) and `id` (a text or a whole number), and nothing else.',
  },
  RPC_BATCH_TOO_LONG: {
    kind: 'user',
    why: 'The batch has more requests than the daemon takes at once; none was executed.',
    remedy: 'Send smaller batches; the details say how many requests one may have.',
  },
  RPC_BATCH_REPLY_TOO_LONG: {
    kind: 'retry',
    why: 'The replies of the batch became too long; this request was not executed.',
    remedy: 'Send it again in a batch of its own.',
  },
  RPC_METHOD_UNKNOWN: {
    kind: 'user',
    why: 'There is no method with this name.',
    remedy: 'Look at the list that `rpc.discover` gives.',
  },
  RPC_PARAMS_INVALID: {
    kind: 'user',
    why: 'The parameters do not have the form that the method wants.',
    remedy: 'Correct the parameter at `path`.',
  },
  RPC_INTERNAL: {
    kind: 'bug',
    why: 'The daemon failed in a way that it did not foresee.',
    remedy: 'Look at the log of the daemon and report it.',
  },
  RPC_STOPPING: { kind: 'stopping', why: 'The daemon is stopping.', remedy: 'Start it again.' },
  RPC_TOO_MANY_CONNECTIONS: {
    kind: 'retry',
    why: 'Too many clients are connected.',
    remedy: 'Close one of them and connect again.',
  },
  RPC_TOO_MANY_SUBSCRIPTIONS: {
    kind: 'user',
    why: 'This connection has too many subscriptions.',
    remedy: 'Unsubscribe first.',
  },
  RPC_SUBSCRIPTION_UNKNOWN: {
    kind: 'user',
    why: 'This connection has no subscription with this number.',
    remedy: 'Subscriptions end with their connection; subscribe again.',
  },
  RPC_SOCKET_IN_USE: {
    kind: 'user',
    why: 'Another daemon answers at the RPC socket.',
    remedy: 'Stop it first, or give this one another socket path.',
  },
  RPC_SOCKET_PATH_OCCUPIED: {
    kind: 'user',
    why: 'There is something at the path of the RPC socket which is not a socket; it was left alone.',
    remedy: 'Move it away, or choose another socket path.',
  },
  RPC_SOCKET_PATH_INVALID: {
    kind: 'user',
    why: 'The path of the RPC socket is not absolute or longer than the operating system allows.',
    remedy: 'Choose a shorter absolute path; the details say how many bytes it may have.',
  },
  RPC_DIRECTORY_UNSAFE: {
    kind: 'user',
    why: 'The directory of the RPC socket is not a directory that belongs to this user alone.',
    remedy: 'Choose a directory of your own with mode 0700, or let the daemon make one.',
  },
  RPC_SOCKET_FAILED: {
    kind: 'environment',
    why: 'The RPC socket cannot be opened.',
    remedy: 'Check that its directory is writable and that the file system knows sockets.',
  },
  RPC_DAEMON_UNREACHABLE: {
    kind: 'environment',
    why: 'No daemon answers at the RPC socket.',
    remedy: 'Start it with `noctule daemon`, or name its socket with --socket.',
  },
  RPC_CONNECTION_LOST: {
    kind: 'retry',
    why: 'The connection to the daemon ended before the reply came.',
    remedy: 'Connect again; with an idempotency key a repeated `send` is sent once.',
  },
  RPC_REPLY_MALFORMED: {
    kind: 'environment',
    why: 'What answers at the RPC socket does not speak the noctule RPC.',
    remedy: 'Check the socket path, and that daemon and client have the same version.',
  },
} as const satisfies ErrorTable

export const rpcError = createErrorFactory(RPC_ERRORS)
