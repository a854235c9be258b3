/**
 * All that a user can do, and all that others can do to them, spread over a run: the busy twin.
 * Never on a clock of its own: deeds come at shares of the run, so that the same seed gives the same life.
 * @module
 */
import { randomBytes } from '../../../src/crypto/index.ts'
import type { Random } from '../../../src/ports/index.ts'
import { MAX_TEXT_BYTES } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../seeded-random.ts'
import { type FrontEnds, openFrontEnds } from './front-ends.ts'
import { createTwinPeer, type TwinPeer } from './peer.ts'
import { createProber, type Prober } from './prober.ts'
import type { TwinLife, TwinWorld } from './run.ts'

export interface LifeOptions {
  readonly seed: number
  /** From the subject to its contacts; contacts say half as much. */
  readonly messages: number
  /** Files each way, and their bytes. */
  readonly files: number
  readonly fileBytes: number
  readonly restarts: number
  /** Requests that strangers make, half of which are refused. */
  readonly strangers: number
  readonly probers: number
  /** Boxes that each prober writes, one for each second that passes. */
  readonly probes: number
  /** Fills an outbox to the brim: 64 messages of the largest size. */
  readonly floods: number
}

type Deed = () => Promise<void>

/** A contact of the subject: the person, and the ids that the two have for each other. */
interface Friend {
  readonly peer: TwinPeer
  readonly alias: string
  /** Ours for them; undefined until they are a contact. */
  contactId: string | undefined
  theirId: string | undefined
}

const FRIENDS = 4
const [FIRST_SHARE, LAST_SHARE] = [0.12, 0.95]

export function createLife(world: TwinWorld, options: LifeOptions): TwinLife {
  const life = new Life(world, options)
  return {
    step: () => life.step(),
    deeds: () => life.deeds(),
    stop: () => life.stop(),
  }
}

class Life {
  private readonly world: TwinWorld
  private readonly options: LifeOptions
  private readonly random: Random
  private readonly plan: { readonly at: number; readonly deed: Deed }[] = []
  private readonly friends: Friend[] = []
  private readonly probers: { readonly prober: Prober; left: number; writtenAtMs: number }[] = []
  private readonly counts: Record<string, number> = {}
  private ends: FrontEnds | undefined
  private peers = 0

  constructor(world: TwinWorld, options: LifeOptions) {
    this.world = world
    this.options = options
    this.random = createSeededRandom(options.seed + 77)
    this.makePlan()
  }

  private makePlan(): void {
    const { random } = this
    const spread = (count: number, deed: (index: number) => Deed): void => {
      for (let index = 0; index < count; index += 1) {
        const at = FIRST_SHARE + (LAST_SHARE - FIRST_SHARE) * random.uniform()
        this.plan.push({ at, deed: deed(index) })
      }
    }
    const { files, floods, messages, probers, restarts, strangers } = this.options
    for (let index = 0; index < FRIENDS + probers; index += 1) {
      const deed = index % 2 === 0 ? this.inviteFriend(index) : this.acceptFriend(index)
      this.plan.push({ at: (0.04 * index) / (FRIENDS + probers), deed })
    }
    spread(messages, (index) => () => this.send(`message ${index} ${'x'.repeat(index % 1_500)}`))
    spread(Math.ceil(messages / 2), (index) => () => this.hear(`answer ${index}`))
    spread(Math.ceil(messages / 10), () => () => this.markRead())
    spread(files, () => () => this.sendFile())
    spread(files, () => () => this.hearFile())
    spread(restarts, () => () => this.frontEnds().restart())
    spread(strangers, (index) => this.stranger(index))
    spread(Math.ceil(messages / 10), () => () => this.fail())
    spread(Math.ceil(messages / 10), (index) => () => this.offerLane(index % 2 === 0))
    spread(2 * files, () => () => this.handleFiles())
    spread(Math.max(1, Math.ceil(messages / 100)), () => () => this.fullDisk())
    spread(floods, () => () => this.flood())
    for (let index = 0; index < probers; index += 1) {
      this.plan.push({ at: 0.15 + (0.6 * index) / probers, deed: () => this.probe(FRIENDS + index) })
    }
    this.plan.push({ at: 0.6, deed: () => this.block() }, { at: 0.8, deed: () => this.unblock() })
    if (probers > 0) this.plan.push({ at: 0.9, deed: () => this.block(FRIENDS) })
    this.plan.push({ at: 0.97, deed: () => this.remove() })
    this.plan.sort((a, b) => a.at - b.at)
  }

  async step(): Promise<void> {
    this.ends ??= await openFrontEnds(this.world.node)
    const progress = this.world.progress()
    // Nothing can be invited to before the hosts are known.
    if (this.world.node.mailbox.status().hosts === 0) return
    while ((this.plan[0]?.at ?? 2) <= progress) await this.plan.shift()?.deed()
    await this.tend()
    for (const entry of this.probers) {
      const count = Math.min(entry.left, Math.round((this.world.clock.monotonicMs() - entry.writtenAtMs) / 1_000))
      entry.writtenAtMs = this.world.clock.monotonicMs()
      entry.left -= count
      entry.prober.write(count)
    }
  }

  async deeds(): Promise<Readonly<Record<string, number>>> {
    const { ends } = this
    await this.countMessages()
    const probes = this.probers.flatMap(({ prober }) => Object.entries(prober.written))
    const all: Record<string, number> = { ...this.counts }
    for (const [kind, count] of probes) all[`probe ${kind}`] = (all[`probe ${kind}`] ?? 0) + count
    for (const [code, count] of ends?.refusals ?? []) all[`refused ${code}`] = count
    return {
      ...all,
      'rpc calls': ends?.calls() ?? 0,
      'front ends': ends?.restarts() ?? 0,
      notifications: ends?.notifications() ?? 0,
    }
  }

  async stop(): Promise<void> {
    await this.ends?.close()
    for (const { peer } of this.friends) await peer.stop()
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  /** What became of all that was said, on both sides. */
  private async countMessages(): Promise<void> {
    const ends = this.frontEnds()
    for (const { contactId: recipient } of (await ends.call('listContacts', {})) ?? []) {
      for (let before: number | undefined; ; ) {
        const page = await ends.call('listMessages', { recipient, limit: 500, ...(before && { before }) })
        for (const { attachment, delivery, type } of page?.messages ?? []) {
          this.count(delivery === undefined ? `received: ${type}` : `sent: ${delivery}`)
          if (attachment !== undefined) this.count(`file ${attachment.transfer.state}`)
        }
        before = page?.messages[0]?.position
        if (page?.hasMore !== true) break
      }
    }
  }

  private frontEnds(): FrontEnds {
    if (this.ends === undefined) throw new Error('no front end')
    return this.ends
  }

  private newPeer(): Promise<TwinPeer> {
    this.peers += 1
    const { clock, hosts } = this.world
    return createTwinPeer({ clock, hosts, seed: this.options.seed * 1_000 + this.peers })
  }

  private active(): Friend | undefined {
    const ready = this.friends.slice(0, FRIENDS).filter(({ contactId }) => contactId !== undefined)
    return ready[Math.floor(this.random.uniform() * ready.length)]
  }

  /** We invite; they ask, by the boxes of the invite. */
  private inviteFriend(index: number): Deed {
    return async () => {
      const peer = await this.newPeer()
      const alias = `friend ${index}`
      this.friends[index] = { peer, alias, contactId: undefined, theirId: undefined }
      const invite = await this.frontEnds().call('createInvite', { label: alias })
      if (invite === undefined) throw new Error('no invite')
      this.count(invite.rendezvous ? 'invites with a rendezvous' : 'invites')
      const { contactId } = await peer.messenger.acceptInvite({ uri: invite.uri, message: alias })
      this.friends[index] = { peer, alias, contactId: undefined, theirId: contactId }
    }
  }

  /** They invite; we ask. */
  private acceptFriend(index: number): Deed {
    return async () => {
      const peer = await this.newPeer()
      const alias = `friend ${index}`
      const { uri } = await peer.messenger.createInvite({})
      const contact = await this.frontEnds().call('acceptInvite', { uri, alias, message: 'hello' })
      this.count('invites accepted')
      this.friends[index] = { peer, alias, contactId: contact?.contactId, theirId: undefined }
    }
  }

  /** Somebody with an invite of ours whom we may not want. */
  private stranger(index: number): Deed {
    return async () => {
      const invite = await this.frontEnds().call('createInvite', { label: index % 2 === 0 ? 'refuse' : 'stranger' })
      if (invite === undefined) return
      if (index % 5 === 4) {
        await this.frontEnds().call('revokeInvite', { inviteId: invite.inviteId })
        this.count('invites revoked')
      }
      const peer = await this.newPeer()
      await peer.messenger.acceptInvite({ uri: invite.uri, message: 'you do not know me' })
      this.friends.push({ peer, alias: `stranger ${index}`, contactId: undefined, theirId: undefined })
    }
  }

  /** Others have their slots, and whoever asked is answered. */
  private async tend(): Promise<void> {
    const ends = this.frontEnds()
    for (const request of (await ends.call('listRequests', {})) ?? []) {
      const { requestId } = request
      if (request.inviteLabel === 'refuse') {
        await ends.call('rejectRequest', { requestId })
        this.count('requests refused')
        continue
      }
      const contact = await ends.call('acceptRequest', { requestId, alias: request.inviteLabel ?? 'somebody' })
      this.count('requests accepted')
      const friend = this.friends.find(({ alias }) => alias === request.message)
      if (friend !== undefined) friend.contactId = contact?.contactId
    }
    for (const [index, friend] of this.friends.entries()) {
      if (this.probers.length > index - FRIENDS && index >= FRIENDS && index < FRIENDS + this.probers.length) continue
      await friend.peer.pump(8)
      for (const { requestId } of await friend.peer.messenger.listRequests()) {
        friend.theirId = (await friend.peer.messenger.acceptRequest({ requestId })).contactId
      }
    }
  }

  private async send(text: string): Promise<void> {
    const friend = this.active()
    if (friend?.contactId === undefined) return
    const sent = await this.frontEnds().call('send', { recipient: friend.contactId, message: text })
    if (sent !== undefined) this.count('messages sent')
  }

  private async hear(text: string): Promise<void> {
    const friend = this.active()
    if (friend?.theirId === undefined) return
    const { messenger } = friend.peer
    const contactId = friend.theirId
    await messenger.send({ contactId, text })
    await messenger.setReceipts({ contactId, read: true })
    const last = (await messenger.listMessages({ contactId, limit: 1 })).at(-1)
    if (last !== undefined) await messenger.markRead({ contactId, upTo: last.position })
    this.count('messages of contacts')
  }

  private async markRead(): Promise<void> {
    const recipient = this.active()?.contactId
    if (recipient === undefined) return
    const ends = this.frontEnds()
    await ends.call('setReceipts', { recipient, read: true, delivery: true })
    await ends.call('getTraffic', {})
    await ends.call('status', {})
    const last = (await ends.call('listMessages', { recipient, limit: 1 }))?.messages.at(-1)
    if (last !== undefined) await ends.call('markRead', { recipient, upTo: last.position })
    this.count('read receipts')
  }

  private async sendFile(): Promise<void> {
    const recipient = this.active()?.contactId
    if (recipient === undefined) return
    const path = `/home/user/${this.counts['files sent'] ?? 0}-${this.random.uniform()}`
    this.world.node.files.contents.set(path, randomBytes(this.options.fileBytes))
    if ((await this.frontEnds().call('sendAttachment', { recipient, path })) !== undefined) this.count('files sent')
  }

  private async hearFile(): Promise<void> {
    const friend = this.active()
    if (friend?.theirId === undefined) return
    const path = `/home/friend/${this.counts['files of contacts'] ?? 0}`
    friend.peer.files.contents.set(path, randomBytes(this.options.fileBytes))
    await friend.peer.messenger.sendAttachment({ contactId: friend.theirId, path })
    this.count('files of contacts')
  }

  /** What has come is saved, and what is still on its way to them is sometimes taken back. */
  private async handleFiles(): Promise<void> {
    const recipient = this.active()?.contactId
    if (recipient === undefined) return
    const ends = this.frontEnds()
    for (const { attachment, delivery, messageId } of (await ends.call('listMessages', { recipient }))?.messages ??
      []) {
      if (attachment === undefined) continue
      const isSent = delivery !== undefined
      if (isSent && this.random.uniform() < 0.2) {
        await ends.call('cancelAttachment', { recipient, messageId })
        this.count('files cancelled')
      } else if (!isSent) {
        const path = `/home/user/saved-${this.counts['files saved'] ?? 0}-${this.random.uniform()}`
        if ((await ends.call('saveAttachment', { recipient, messageId, path })) !== undefined) this.count('files saved')
      }
    }
  }

  /** One side offers a lane, and the other does not answer. */
  private async offerLane(isOurs: boolean): Promise<void> {
    const friend = this.friends[isOurs ? 2 : 3]
    if (friend?.contactId === undefined || friend.theirId === undefined) return
    if (isOurs) await this.frontEnds().call('setLive', { recipient: friend.contactId, on: true, minutes: 60 })
    else await friend.peer.messenger.setLive({ contactId: friend.theirId, on: true, minutes: 60 })
    this.count('lanes offered')
  }

  private async fail(): Promise<void> {
    const ends = this.frontEnds()
    const recipient = this.active()?.contactId
    if (recipient === undefined) return
    await ends.call('send', { recipient: '00'.repeat(16), message: 'nobody' })
    await ends.call('send', { recipient, message: '' })
    await ends.call('send', { recipient, message: 'x'.repeat(MAX_TEXT_BYTES + 1) })
    await ends.call('sendAttachment', { recipient, path: '/nothing' })
    await ends.call('acceptInvite', { uri: 'noctule:nonsense' })
    this.count('failed calls')
  }

  private async fullDisk(): Promise<void> {
    const recipient = this.active()?.contactId
    if (recipient === undefined) return
    this.world.node.fillDisk(true)
    await this.frontEnds().call('send', { recipient, message: 'no room' })
    this.world.node.fillDisk(false)
    this.count('full disks')
  }

  private async flood(): Promise<void> {
    const recipient = this.active()?.contactId
    if (recipient === undefined) return
    for (let index = 0; index < 66; index += 1) {
      await this.frontEnds().call('send', { recipient, message: 'y'.repeat(MAX_TEXT_BYTES) })
    }
    this.count('floods')
  }

  private async probe(index: number): Promise<void> {
    const friend = this.friends[index]
    if (friend?.theirId === undefined) return
    const contacts = await friend.peer.messenger.listContacts()
    const state = contacts.find(({ contactId }) => contactId === friend.theirId)?.state
    if (state !== 'active') {
      // Its request is still on its way.
      this.plan.unshift({ at: this.world.progress() + 0.02, deed: () => this.probe(index) })
      this.plan.sort((a, b) => a.at - b.at)
      return
    }
    this.count('probers')
    const { clock, hosts } = this.world
    const prober = await createProber(friend.peer.store, friend.theirId, hosts, this.random)
    this.probers.push({ prober, left: this.options.probes, writtenAtMs: clock.monotonicMs() })
  }

  private async block(index = 0): Promise<void> {
    const recipient = this.friends[index]?.contactId
    if (recipient === undefined) return
    await this.frontEnds().call('block', { recipient })
    await this.frontEnds().call('send', { recipient, message: 'blocked' })
    this.count('blocked')
  }

  private async unblock(): Promise<void> {
    const recipient = this.friends[0]?.contactId
    if (recipient === undefined) return
    await this.frontEnds().call('unblock', { recipient })
    this.count('unblocked')
  }

  private async remove(): Promise<void> {
    for (const index of [1, FRIENDS]) {
      const friend = this.friends[index]
      if (friend?.contactId === undefined) continue
      await this.frontEnds().call('removeContact', { recipient: friend.contactId })
      friend.contactId = undefined
      this.count('removed')
    }
  }
}
