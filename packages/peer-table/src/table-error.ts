import { SwarmError } from '@resilient-swarm/contract'

/** Every code of this package; each has a heading in its README. */
export type TableErrorCode =
  | 'ERR_TABLE_CLOSED'
  | 'ERR_TABLE_DAMAGED'
  | 'ERR_TABLE_FAILED'
  | 'ERR_TABLE_FORGED'
  | 'ERR_TABLE_PROTOCOL'
  | 'ERR_TABLE_SHARED'
  | 'ERR_TABLE_SILENT'
  | 'ERR_TABLE_STORE'

interface ErrorText {
  readonly message: string
  readonly retryable?: boolean
}

const TEXTS: Readonly<Record<Exclude<TableErrorCode, 'ERR_TABLE_PROTOCOL'>, ErrorText>> = {
  ERR_TABLE_CLOSED: { message: 'The peer table has closed; create another one to go on.' },
  ERR_TABLE_DAMAGED: {
    message:
      'What an earlier life stored of the peer table could not all be read; it is written anew, and what is missing comes from the peers.',
  },
  ERR_TABLE_FAILED: { message: 'Replication failed on this side again and again; the cause says why.', retryable: true },
  ERR_TABLE_FORGED: { message: 'The peer handed on records that nobody signed; do not replicate with it again.' },
  ERR_TABLE_SHARED: { message: 'Another table is at work in this folder; give each node a folder of its own.' },
  ERR_TABLE_SILENT: { message: 'The peer did not answer in time; replicate again over a new channel.', retryable: true },
  ERR_TABLE_STORE: {
    message:
      'The peer table could not be written; it goes on in memory and will be written anew. Is there room, may we write there?',
    retryable: true,
  },
}

export function tableError(code: keyof typeof TEXTS, cause?: unknown): SwarmError<TableErrorCode> {
  const { message, retryable = false } = TEXTS[code]
  return new SwarmError<TableErrorCode>(message, { code, cause, retryable })
}

/** `what`: "sent …", what the peer should not have done. */
export function protocolError(what: string): SwarmError<TableErrorCode> {
  const message = `The peer ${what}; replicate with it again only if it is known to be sound.`
  return new SwarmError<TableErrorCode>(message, { code: 'ERR_TABLE_PROTOCOL' })
}
