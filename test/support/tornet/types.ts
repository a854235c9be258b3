/**
 * What a private Tor network is to the tests that use it.
 * Never describes a way to the real Tor network.
 * @module
 */

export interface TornetOptions {
  /** Relays beside the authority, which is one too. Default 4; fewer than 3 cannot build onion circuits (measured). */
  readonly relays?: number
  /** Client tors started with the network. Default 2. */
  readonly clients?: number
  /**
   * `host`: the relays listen on free loopback ports. `quickack`: every tor runs in a network namespace of its own in
   * which acknowledgements are not delayed, the setting for all performance numbers; needs root or user namespaces,
   * and `ip`. Control and SOCKS sockets are files and work from outside; other processes get in by `commandInside`.
   */
  readonly namespace?: 'host' | 'quickack'
  /** Ends the start; a network that has started is ended by `stop`. */
  readonly signal?: AbortSignal
  /** Default 90 s: ten times what an idle machine needs. */
  readonly bootTimeoutMs?: number
  /** Leaves the directory with all logs behind `stop`, to be looked at; the next start on this machine removes it. */
  readonly keepDirectory?: boolean
  /**
   * True (default): SIGINT, SIGTERM and SIGHUP first remove the network and then have their usual effect.
   * False: the caller handles them and calls `stop`.
   */
  readonly handleSignals?: boolean
}

/** A client tor: no relay, SOCKS for onion addresses only, control port with cookie, both unix sockets. */
export interface TornetClient {
  readonly controlPath: string
  readonly socksPath: string
  readonly cookiePath: string
  readonly pid: number
  /** Ends this tor, as a crash would. Idempotent, joined. */
  stop(): Promise<void>
}

/** How long each step of the start took. */
export interface TornetTimings {
  /** Keys from the cache, or made. */
  readonly keysMs: number
  /** Relay processes up, control connections open. */
  readonly serversMs: number
  /** The authority has every descriptor. */
  readonly descriptorsMs: number
  /** The authority has published a consensus of all relays. */
  readonly consensusMs: number
  /** Every relay has the consensus and the first clients are bootstrapped. */
  readonly clientsMs: number
  readonly totalMs: number
}

export interface Tornet {
  /** Everything of this network on disk; what `NOCTULE_TORNET` holds. */
  readonly directory: string
  readonly clients: readonly TornetClient[]
  readonly timings: TornetTimings
  /** Lines that make any other tor, for instance the child tor of a daemon, a client of this network. */
  clientTorrcLines(): string[]
  /** Starts one more client and resolves when it is bootstrapped. */
  addClient(signal?: AbortSignal): Promise<TornetClient>
  /** The command line that runs `argv` in the network namespace of the relays; `argv` itself where that is the host's. */
  commandInside(argv: readonly string[]): string[]
  /** Last lines of each log, for the report of a failed test. */
  logs(): Promise<string>
  /** Ends all processes and removes the directory. Idempotent, joined. */
  stop(): Promise<void>
}
