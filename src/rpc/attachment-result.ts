/**
 * Messages and their files in the form that JSON has.
 * Never tells more than the messenger does.
 * @module
 */
import type { AttachmentInfo, MessageInfo } from '../messenger/index.ts'
import { type Defined, withoutUndefined } from './defined.ts'

type AttachmentResult = Defined<Omit<AttachmentInfo, 'transfer'>> & {
  readonly transfer: Defined<AttachmentInfo['transfer']>
}

export function attachmentResult(info: AttachmentInfo): AttachmentResult {
  const { transfer, ...rest } = info
  return { ...withoutUndefined(rest), transfer: withoutUndefined(transfer) }
}

type MessageResult = Defined<Omit<MessageInfo, 'attachment'>> & { readonly attachment?: AttachmentResult }

export function messageResult(info: MessageInfo): MessageResult {
  const { attachment, ...rest } = info
  return {
    ...withoutUndefined(rest),
    ...(attachment === undefined ? {} : { attachment: attachmentResult(attachment) }),
  }
}
