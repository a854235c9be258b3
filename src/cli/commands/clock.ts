/**
 * Commands about the clock: profiles, traffic, syncs, and how long something would take.
 * Never hurries a slot: a profile is chosen, a sync is asked for, and the clock does the rest.
 * @module
 */
import { describeChange, describeEstimate, describeProfile, describeSync, describeTraffic, notice } from '../clock.ts'
import type { AnyCommand, RunContext } from '../command.ts'
import { defineCommand } from '../command.ts'
import { usageError } from '../errors.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { safeJson } from '../text.ts'

async function runShowProfile({ client, io, json, view }: RunContext): Promise<number> {
  const reply = await client.call('getProfile', {})
  if (json) {
    await io.out(`${safeJson(reply)}\n`)
    return EXIT_CODES.ok
  }
  await io.out(describeProfile(reply, view.nowMs))
  await io.err(`\n${notice(reply.notice)}`)
  return EXIT_CODES.ok
}

export const CLOCK_COMMANDS: readonly AnyCommand[] = [
  defineCommand('setProfile', {
    name: 'profile',
    positionals: ['profile'],
    omissible: ['profile'],
    note: 'Without a name it shows the profile in force and all that there are, with their price and delays.',
    run: (context, { profile }) => (profile === undefined ? runShowProfile(context) : context.once()),
    show: (reply, { view }) => ({ out: describeChange(reply, view.nowMs), hint: notice(reply.notice) }),
  }),
  defineCommand('sync', {
    show: ({ notice: words, state }) => ({ out: `${describeSync(state)}\n`, hint: notice(words) }),
  }),
  defineCommand('getTraffic', {
    name: 'traffic',
    show: (traffic, { view }) => ({ out: describeTraffic(traffic, view.nowMs), hint: `\n${notice(traffic.notice)}` }),
  }),
  defineCommand('estimateSend', {
    name: 'estimate',
    positionals: ['recipient'],
    optionNames: { message: 'text' },
    note: 'Give --text or --bytes.',
    run(context, { bytes, message }) {
      if ((bytes === undefined) === (message === undefined)) throw usageError('Give --text or --bytes.', 'estimate')
      return context.once()
    },
    show: (estimate, { subject }) => ({ out: describeEstimate(estimate, subject), hint: notice(estimate.note) }),
  }),
]
