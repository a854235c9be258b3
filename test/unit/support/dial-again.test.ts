import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAppError } from '../../../src/base/index.ts'
import type { DialOptions, RecordLink, RecordNetwork } from '../../../src/ports/index.ts'
import { torError } from '../../../src/tor/errors.ts'
import { TOR_ERRORS, type TorErrorCode } from '../../../src/tor/index.ts'
import { dialAgain, isLostDial, withDialsAgain } from '../../support/dial-again.ts'

/** Fails with these codes, one after the other, and opens after them. */
function createDial(codes: readonly TorErrorCode[]) {
  let attempts = 0
  const said: string[] = []
  const dial = dialAgain(
    async () => {
      const code = codes[attempts]
      attempts += 1
      if (code !== undefined) throw torError(code)
      return 'open'
    },
    (line) => said.push(line),
  )
  return { dial, attempts: () => attempts, said }
}

describe('a dial that is made again', () => {
  it('opens after two that were lost, and says each', async () => {
    const { dial, attempts, said } = createDial(['TOR_DIAL_TIMEOUT', 'TOR_ONION_RENDEZVOUS_FAILED'])
    assert.equal(await dial, 'open')
    assert.equal(attempts(), 3)
    assert.equal(said.length, 2)
    assert.match(said[0] ?? '', /TOR_DIAL_TIMEOUT/)
  })

  it('is lost for good after three', async () => {
    const { dial, attempts } = createDial(Array.from({ length: 9 }, () => 'TOR_DIAL_TIMEOUT'))
    await assert.rejects(dial, (error) => isAppError(error, 'TOR_DIAL_TIMEOUT'))
    assert.equal(attempts(), 3)
  })

  it('takes what the other side or our own tor has answered as it is', async () => {
    const lost = (Object.keys(TOR_ERRORS) as TorErrorCode[]).filter((code) => isLostDial(torError(code)))
    assert.deepEqual(lost.toSorted(), [
      'TOR_DIAL_TIMEOUT',
      'TOR_ONION_INTRO_FAILED',
      'TOR_ONION_INTRO_TIMEOUT',
      'TOR_ONION_RENDEZVOUS_FAILED',
      'TOR_ONION_UNREACHABLE',
    ])
    for (const code of ['TOR_ONION_NOT_FOUND', 'TOR_ONION_AUTH_WRONG', 'TOR_NOT_READY', 'TOR_STOPPED'] as const) {
      const { dial, attempts, said } = createDial([code])
      await assert.rejects(dial, (error) => isAppError(error, code))
      assert.deepEqual([attempts(), said.length], [1, 0])
    }
    await assert.rejects(
      dialAgain(() => Promise.reject(new RangeError('ours'))),
      RangeError,
    )
  })

  it('is one of a network, too', async () => {
    const link = {} as RecordLink
    let dials = 0
    const network: RecordNetwork = {
      listen: () => Promise.reject(new Error('not asked for')),
      async dial() {
        dials += 1
        if (dials < 3) throw torError('TOR_ONION_INTRO_TIMEOUT')
        return link
      },
      stop: () => Promise.resolve(),
    }
    const said: string[] = []
    const patient = withDialsAgain(network, (line) => said.push(line))
    assert.equal(await patient.dial({} as DialOptions), link)
    assert.deepEqual([dials, said.length], [3, 2])
  })
})
