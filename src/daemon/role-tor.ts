/**
 * One tor for two roles that must not be seen to belong together.
 * Never lets a circuit carry streams of both: whatever tokens a role makes up, they differ from the other's. DESIGN §2, §4.
 * @module
 */
import type { TorProvider } from '../ports/index.ts'

export type DaemonRole = 'profile' | 'host'

/** The same tor, with the role's name in front of every isolation token. Its life stays with whoever owns `tor`. */
export function torForRole(tor: TorProvider, role: DaemonRole): TorProvider {
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    status: () => tor.status(),
    onStatus: (listener) => tor.onStatus(listener),
    whenReady: (signal) => tor.whenReady(signal),
    publishOnion: (options) => tor.publishOnion(options),
    authorizeClient: (address, privateKey) => tor.authorizeClient(address, privateKey),
    connect: (address, port, options) =>
      tor.connect(address, port, { ...options, isolation: `${role}:${options.isolation}` }),
  }
}
