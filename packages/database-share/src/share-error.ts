import { SwarmError } from '@resilient-swarm/contract'

/** Every code of this package; each has a heading in its README. */
export type ShareErrorCode =
  | 'ERR_SHARE_ADMIT'
  | 'ERR_SHARE_CLOSED'
  | 'ERR_SHARE_DATABASE'
  | 'ERR_SHARE_FAILED'
  | 'ERR_SHARE_PROTOCOL'
  | 'ERR_SHARE_SILENT'

interface ErrorText {
  readonly message: string
  readonly retryable?: boolean
}

const TEXTS: Readonly<Record<Exclude<ShareErrorCode, 'ERR_SHARE_PROTOCOL'>, ErrorText>> = {
  ERR_SHARE_ADMIT: { message: 'admit failed, so the document was refused; mend admit, the cause says how it failed.' },
  ERR_SHARE_CLOSED: { message: 'The database is not shared any more; share it again to go on.' },
  ERR_SHARE_DATABASE: { message: 'The database was closed or destroyed, so it is shared no longer; open it and share it again.' },
  ERR_SHARE_FAILED: { message: 'Replication with the peer failed on this side; the cause says why.', retryable: true },
  ERR_SHARE_SILENT: { message: 'The peer did not answer in time; replicate again over a new channel.', retryable: true },
}

export function shareError(code: keyof typeof TEXTS, cause?: unknown): SwarmError<ShareErrorCode> {
  const { message, retryable = false } = TEXTS[code]
  return new SwarmError<ShareErrorCode>(message, { code, cause, retryable })
}

/** `what`: "sent …", what the peer should not have done. */
export function protocolError(what: string): SwarmError<ShareErrorCode> {
  const message = `The peer ${what}; share with it again only if it is known to be sound.`
  return new SwarmError<ShareErrorCode>(message, { code: 'ERR_SHARE_PROTOCOL' })
}
