/**
 * Writes the configuration of every tor of the network. Each option was found by leaving it out (docs/tornet.md).
 * Never writes a line that makes a tor talk to anything but this network.
 * @module
 */

/** What every member of the network must know. */
export interface NetworkParameters {
  readonly authorityOrPort: number
  readonly authorityDirPort: number
  /** 40 hex digits of the authority's v3 identity key. */
  readonly v3Identity: string
  /** 40 hex digits of the authority's relay identity. */
  readonly fingerprint: string
}

/**
 * Votes are held for one slot length, then every slot. Equal on purpose: the consensus interval is what lies between two
 * slots, and with unequal values a second consensus can follow the first by seconds (docs/tornet.md §3).
 */
export const VOTING_INTERVAL_SECONDS = 1_800

/** What tor recommends at least where it does not learn; shorter ones make it warn. */
const CIRCUIT_BUILD_TIMEOUT_SECONDS = 10

/** A slot lies this many seconds before and after; the value of `TestingV3AuthVotingStartOffset`. */
export function slotOffset(slotSeconds: number): number {
  return Math.floor(slotSeconds) % VOTING_INTERVAL_SECONDS
}

/** In each directory; also what tor is given in place of the distribution's defaults. It refuses /dev/null. */
export const EMPTY_FILE = 'empty'

/** What makes a tor a member of this network. */
function membershipLines(network: NetworkParameters): string[] {
  const { authorityOrPort, authorityDirPort, v3Identity, fingerprint } = network
  return [
    'TestingTorNetwork 1',
    `DirAuthority auth0 orport=${authorityOrPort} no-v2 v3ident=${v3Identity} 127.0.0.1:${authorityDirPort} ${fingerprint}`,
    'TestingClientMaxIntervalWithoutRequest 1 seconds',
    // Learned on loopback it is 80 to 220 ms: one circuit of four is given up, all where the machine halts (docs/tornet.md §3).
    'LearnCircuitBuildTimeout 0',
    `CircuitBuildTimeout ${CIRCUIT_BUILD_TIMEOUT_SECONDS} seconds`,
  ]
}

/** What makes a tor a client of this network. */
export function clientLines(network: NetworkParameters): string[] {
  return [
    ...membershipLines(network),
    // Directory information straight from the authority: a relay may not have it yet.
    'FetchDirInfoEarly 1',
    'FetchDirInfoExtraEarly 1',
  ]
}

/** Sockets, files and owner of one process. */
function processLines(directory: string, owner: number): string[] {
  return [
    `DataDirectory ${directory}`,
    `ControlPort unix:${directory}/control`,
    'CookieAuthentication 1',
    `CookieAuthFile ${directory}/cookie`,
    `Log notice file ${directory}/log`,
    'SafeLogging 0',
    // Where the distribution's table of countries is installed, it takes 28 MB of each process.
    `GeoIPFile ${directory}/${EMPTY_FILE}`,
    `GeoIPv6File ${directory}/${EMPTY_FILE}`,
    'ShutdownWaitLength 0',
    'AvoidDiskWrites 1',
    // tor looks every 15 s whether this process lives.
    `__OwningControllerProcess ${owner}`,
  ]
}

export interface ServerTorrc {
  readonly directory: string
  readonly owner: number
  readonly nickname: string
  readonly orPort: number
  readonly network: NetworkParameters
}

function serverLines(server: ServerTorrc): string[] {
  return [
    ...processLines(server.directory, server.owner),
    ...membershipLines(server.network),
    `Nickname ${server.nickname}`,
    `ORPort 127.0.0.1:${server.orPort} IPv4Only`,
    'Address 127.0.0.1',
    'SocksPort 0',
    'ContactInfo tornet@test.invalid',
    'ExitPolicy reject *:*',
    // Without it relays wait for a proof that they can be reached, and never publish.
    'AssumeReachable 1',
    'NumCPUs 1',
    'MaxMemInQueues 256 MB',
    // Every relay stays at bandwidth 0, so that paths are chosen evenly.
    'CountPrivateBandwidth 0',
  ]
}

export function relayTorrc(server: ServerTorrc): string {
  return `${serverLines(server).join('\n')}\n`
}

/** The authority starts with its vote held back: the next slot is a quarter of an hour away. */
export function authorityTorrc(server: ServerTorrc, nowSeconds: number): string {
  return `${[
    ...serverLines(server),
    `DirPort 127.0.0.1:${server.network.authorityDirPort} IPv4Only`,
    'AuthoritativeDirectory 1',
    'V3AuthoritativeDirectory 1',
    `TestingV3AuthInitialVotingInterval ${VOTING_INTERVAL_SECONDS} seconds`,
    'TestingV3AuthInitialVoteDelay 2',
    'TestingV3AuthInitialDistDelay 2',
    `TestingV3AuthVotingStartOffset ${slotOffset(nowSeconds + VOTING_INTERVAL_SECONDS / 2)}`,
    `V3AuthVotingInterval ${VOTING_INTERVAL_SECONDS} seconds`,
    'V3AuthVoteDelay 20',
    'V3AuthDistDelay 20',
    'V3AuthNIntervalsValid 3',
    'TestingDirAuthVoteGuard *',
    'TestingDirAuthVoteHSDir *',
    'TestingDirAuthVoteExit *',
    'TestingMinExitFlagThreshold 0',
    'AuthDirVoteStableGuaranteeMinUptime 0',
  ].join('\n')}\n`
}

export function clientTorrc(directory: string, owner: number, lines: readonly string[]): string {
  return `${[
    ...processLines(directory, owner),
    ...lines,
    `SocksPort unix:${directory}/socks ExtendedErrors IsolateSOCKSAuth OnionTrafficOnly`,
  ].join('\n')}\n`
}
