/**
 * The reader of traces finds what it must find, and knows when it has not seen everything.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseTrace } from '../../support/trace.ts'

const UNIX_ONLY = `100 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0) = 21
100 connect(21, {sa_family=AF_UNIX, sun_path="/tmp/a/control"}, 110) = 0
101 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
100 bind(22, {sa_family=AF_UNIX, sun_path="/tmp/a/rpc.sock"}, 110) = 0
101 accept4(22,  <unfinished ...>
100 shutdown(21, SHUT_WR)             = 0
101 <... accept4 resumed>{sa_family=AF_UNIX}, [128 => 2], SOCK_CLOEXEC) = 23
101 +++ exited with 0 +++
100 +++ exited with 0 +++
`

describe('the reader of traces', () => {
  it('lists families and unix paths', () => {
    const trace = parseTrace(UNIX_ONLY)
    assert.deepEqual([...trace.families], ['AF_UNIX'])
    assert.deepEqual([...trace.unixPaths].toSorted(), ['/tmp/a/control', '/tmp/a/rpc.sock'])
    assert.equal(trace.complete, true)
    assert.equal(trace.callCount, 7)
  })

  it('finds other families, wherever they appear', () => {
    const lines = [
      '100 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3',
      '100 socket(AF_INET6, SOCK_DGRAM, IPPROTO_IP <unfinished ...>',
      '100 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3',
      '100 socket(0x2f, SOCK_RAW, 0) = -1 EAFNOSUPPORT',
      '100 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.11")}, 16) = 0',
      '100 sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(1)}}}], 1, 0) = 1',
      '100 <... getsockname resumed>{sa_family=AF_INET6, sin6_port=htons(0)}, [28]) = 0',
    ]
    for (const line of lines) {
      const trace = parseTrace(UNIX_ONLY.replace('100 shutdown', `${line}\n100 shutdown`))
      assert.ok(
        [...trace.families].some((family) => family !== 'AF_UNIX'),
        line,
      )
    }
    assert.match(parseTrace(lines[4] ?? '').uses[0]?.address ?? '', /inet_addr\("127\.0\.0\.11"\)/)
  })

  it('keeps abstract paths apart from files', () => {
    const trace = parseTrace('1 bind(3, {sa_family=AF_UNIX, sun_path=@"/tmp/x"}, 20) = 0')
    assert.deepEqual([...trace.unixPaths], ['@/tmp/x'])
  })

  it('knows when the log is cut short, or empty', () => {
    assert.equal(parseTrace(UNIX_ONLY.replace('100 +++ exited with 0 +++\n', '')).complete, false)
    assert.equal(parseTrace('').complete, false)
  })
})
