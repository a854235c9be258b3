import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { childPaths, childTorrc } from '../../../../src/tor/child/index.ts'
import { CHILD_TOR_DEFAULTS } from '../../../../src/tor/index.ts'

describe('child torrc', () => {
  it('opens unix sockets only, and passes bridges and extra lines through', () => {
    const options = {
      ...CHILD_TOR_DEFAULTS,
      directory: '/home/a b/tor',
      bridges: ['obfs4 192.0.2.1:443 FINGERPRINT cert=x iat-mode=0'],
      transportPlugins: ['obfs4 exec /usr/bin/obfs4proxy'],
      extraLines: ['TestingTorNetwork 1'],
    }
    const text = childTorrc(options, childPaths(options, '/run/n'), 42)
    assert.equal(
      text,
      `DataDirectory "/home/a b/tor/data"
ControlPort unix:/run/n/control
CookieAuthentication 1
CookieAuthFile "/home/a b/tor/cookie"
SocksPort unix:/run/n/socks ExtendedErrors IsolateSOCKSAuth OnionTrafficOnly
__OwningControllerProcess 42
ConnectionPadding 1
DormantCanceledByStartup 1
AvoidDiskWrites 1
Log warn stdout
UseBridges 1
ClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy
Bridge obfs4 192.0.2.1:443 FINGERPRINT cert=x iat-mode=0
TestingTorNetwork 1
`,
    )
    assert.ok(!childTorrc({ ...options, bridges: [] }, childPaths(options, '/run/n'), 42).includes('UseBridges'))
  })
})
