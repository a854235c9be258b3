import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/index.ts'
import type { AttachmentInfo, Messenger } from '../../src/messenger/index.ts'
import { fileOf } from '../support/attachments.ts'
import { createGuardedWorld, type GuardedWorld } from '../support/guarded-world.ts'

const STEP_MS = 5 * MINUTE_MS

async function until(world: GuardedWorld, what: string, condition: () => Promise<boolean>): Promise<void> {
  const { clock } = world.hostWorld
  const endMs = clock.nowMs() + DAY_MS
  while (!(await condition())) {
    assert.ok(clock.nowMs() < endMs, `${what} did not happen`)
    await clock.advance(STEP_MS)
  }
}

async function pair(world: GuardedWorld, inviter: Messenger, acceptor: Messenger): Promise<readonly [string, string]> {
  const { uri } = await inviter.createInvite({})
  const { contactId } = await acceptor.acceptInvite({ uri })
  await until(world, 'the request', async () => (await inviter.listRequests()).length > 0)
  const [request] = await inviter.listRequests()
  const accepted = await inviter.acceptRequest({ requestId: request?.requestId ?? '' })
  const isActive = async (): Promise<boolean> => (await acceptor.listContacts())[0]?.state === 'active'
  await until(world, 'the acceptance', isActive)
  return [accepted.contactId, contactId]
}

async function fileIn(
  messenger: Messenger,
  contactId: string,
): Promise<(AttachmentInfo & { readonly messageId: string }) | undefined> {
  const messages = await messenger.listMessages({ contactId })
  return messages.flatMap(({ attachment, messageId }) => (attachment ? [{ ...attachment, messageId }] : []))[0]
}

describe('a file through the mailbox client that ships', () => {
  it('comes byte for byte in slots that leave anyway', async () => {
    const world = await createGuardedWorld({})
    try {
      const hosts = [world.hostWorld.host(0).entry]
      const alice = await world.join(hosts)
      const bob = await world.join(hosts)
      const [bobsId, alicesId] = await pair(world, bob.messenger, alice.messenger)
      const file = fileOf(16 * 1_024, 8)
      alice.files.contents.set('/a.bin', file)
      const sent = alice.messenger.sendAttachment({ contactId: alicesId, path: '/a.bin' })
      await world.hostWorld.run(sent)
      const stateOf = async (messenger: Messenger, id: string): Promise<string | undefined> =>
        (await fileIn(messenger, id))?.transfer.state
      const startMs = world.hostWorld.clock.nowMs()
      await until(world, 'stored', async () => (await stateOf(alice.messenger, alicesId)) === 'stored')
      await until(world, 'complete', async () => (await stateOf(bob.messenger, bobsId)) === 'complete')
      // Ten chunks and a few messages at a write every 30 seconds.
      assert.ok(world.hostWorld.clock.nowMs() - startMs < 2 * HOUR_MS)
      const messageId = (await fileIn(bob.messenger, bobsId))?.messageId ?? ''
      await bob.messenger.saveAttachment({ contactId: bobsId, messageId, path: '/b.bin' })
      assert.deepEqual(bob.files.contents.get('/b.bin'), file)
      const [shown] = await alice.messenger.listMessages({ contactId: alicesId })
      assert.equal(shown?.delivery, 'delivered')
      assert.deepEqual(world.failures, [])
    } finally {
      await world.stop()
    }
  })
})
