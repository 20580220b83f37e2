import { type Channel, type CloseReason, FINISHED, MessageSlot, type PeerId, type SwarmError } from '@resilient-swarm/contract'
import { encodePeerId, type PublicKey } from '@resilient-swarm/identity'
import type { CipherState } from '@resilient-swarm/identity/noise'
import { CLOSE_CODE_MAX, CLOSE_CODES, cipherError } from './cipher-error.ts'
import type { Proven } from './handshake.ts'
import { InOrder } from './in-order.ts'
import {
  OPENING_BYTES_MAX,
  RECORD_BYTES_MAX,
  REKEY_AFTER_RECORDS,
  SEALING_BYTES_HIGH,
  SEALING_BYTES_LOW,
  SEALING_BYTES_MAX,
  UNHEARD_BYTES_MAX,
} from './limits.ts'

/** A Channel to the owner of a proven key; nobody else reads or changes what goes through it. */
export interface SecureChannel extends Channel {
  readonly remotePublicKey: PublicKey
  readonly remotePeerId: PeerId
  /** The same on both sides of this path, and on no other. */
  readonly handshakeHash: Uint8Array
  /** The peer's wall clock in ms since 1970, as it told it in the handshake. */
  readonly remoteTimeMs: number
}

/** What the seal adds to a message. */
export const RECORD_OVERHEAD_BYTES = 16

/**
 * The kind of a record is its associated data: it costs no byte and no copy, and a record opens as one kind only.
 * A CLOSE holds its code in two bytes, high one first.
 */
const RECORD_KINDS = { data: new Uint8Array(0), close: Uint8Array.of(1) } as const
const CLOSE_CODE_BYTES = 2
const CLOSE_RECORD_BYTES = CLOSE_CODE_BYTES + RECORD_OVERHEAD_BYTES

/** What a record turned out to be: a message, the code of a CLOSE, or neither. */
type Opened = Uint8Array | number | undefined

const RESOLVED = Promise.resolve()

/** Takes the channel over from the handshake, in the same turn. */
export function createCipherChannel(channel: Channel, proven: Proven): SecureChannel {
  return new CipherChannel(channel, proven)
}

class CipherChannel implements SecureChannel {
  readonly maxMessageBytes: number
  readonly remotePublicKey: PublicKey
  readonly remotePeerId: PeerId
  readonly handshakeHash: Uint8Array
  readonly remoteTimeMs: number
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  readonly #channel: Channel
  readonly #outgoing: CipherState
  readonly #incoming: CipherState
  readonly #slot = new MessageSlot({ waitingBytesMax: UNHEARD_BYTES_MAX })
  readonly #sealing = new InOrder<Uint8Array>((record) => this.#pass(record))
  readonly #opening = new InOrder<Opened>((opened) => this.#take(opened))
  #channelHasRoom = true
  #owesDrain = false
  #isPreparing = false
  #resolveClosed: (reason: CloseReason) => void = () => {}
  #state: 'open' | 'closing' | 'ended' = 'open'
  #ourReason: CloseReason = FINISHED
  #peerCode: number | undefined
  #isHeard = false
  #hasUnheard = false

  constructor(channel: Channel, { send, receive, remotePublicKey, handshakeHash, remoteTimeMs }: Proven) {
    this.#channel = channel
    this.#outgoing = send
    this.#incoming = receive
    this.maxMessageBytes = Math.min(channel.maxMessageBytes, RECORD_BYTES_MAX) - RECORD_OVERHEAD_BYTES
    this.remotePublicKey = remotePublicKey
    this.remotePeerId = encodePeerId(remotePublicKey)
    this.handshakeHash = handshakeHash
    this.remoteTimeMs = remoteTimeMs
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    channel.onDrain = () => {
      this.#channelHasRoom = true
      this.#drain()
    }
    void channel.closed.then((reason) => onceEmpty(this.#opening, () => this.#lowerEnded(reason)))
    channel.onMessage = (record) => this.#receive(record)
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#isHeard = true
    this.#slot.receive = receive
    this.#hasUnheard = false
    if (this.#peerCode !== undefined) this.#finishForPeer(this.#peerCode)
  }

  send(message: Uint8Array): boolean {
    if (message.byteLength > this.maxMessageBytes) {
      throw new RangeError(`a message is at most ${this.maxMessageBytes} bytes, this one has ${message.byteLength}`)
    }
    if (this.#state !== 'open' || this.#peerCode !== undefined) return false
    if (this.#sealing.bytes >= SEALING_BYTES_MAX) {
      throw new RangeError(`${SEALING_BYTES_MAX} bytes wait already: when send says false, wait for onDrain`)
    }
    this.#write(RECORD_KINDS.data, message)
    if (this.#channelHasRoom && this.#sealing.bytes < SEALING_BYTES_HIGH) return true
    this.#owesDrain = true
    return false
  }

  close(reason: CloseReason = FINISHED): void {
    const { code } = reason
    if (!Number.isInteger(code) || code < 0 || code > CLOSE_CODE_MAX) {
      throw new RangeError(`reason.code must be an integer from 0 to ${CLOSE_CODE_MAX}`)
    }
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#ourReason = { ...reason, by: 'us' }
    this.#writeClose(code)
    onceEmpty(this.#sealing, () => this.#channel.close())
  }

  abort(error: SwarmError): void {
    if (this.#state === 'ended') return
    this.#sealing.clear()
    this.#end({ by: 'us', code: CLOSE_CODES.aborted, error })
    this.#channel.abort(error)
  }

  #receive(record: Uint8Array): void {
    if (this.#state === 'ended' || this.#peerCode !== undefined) return
    if (this.#opening.bytes + record.byteLength <= OPENING_BYTES_MAX) this.#opening.push(this.#open(record), record.byteLength)
    else this.#failUnheard(`The peer sent over ${OPENING_BYTES_MAX} bytes faster than they could be opened, beyond all credit.`)
  }

  #open(record: Uint8Array): Opened | Promise<Opened> {
    const message = record.byteLength <= RECORD_BYTES_MAX ? this.#incoming.decryptSoon(RECORD_KINDS.data, record) : undefined
    if (!message) return this.#openClose(record)
    rekeyWhenDue(this.#incoming)
    return message
  }

  /** Asked only once in a channel's life, for its last record: what is no DATA must be a CLOSE, and that is short. */
  #openClose(record: Uint8Array): number | undefined {
    if (record.byteLength !== CLOSE_RECORD_BYTES) return undefined
    const content = this.#incoming.tryDecrypt(RECORD_KINDS.close, record)
    return content && ((content[0] as number) << 8) | (content[1] as number)
  }

  #take(opened: Opened): void {
    if (this.#state === 'ended' || this.#peerCode !== undefined) return
    if (opened instanceof Uint8Array) {
      this.#deliver(opened)
    } else if (opened !== undefined) {
      this.#peerCode = opened
      if (!this.#hasUnheard) this.#finishForPeer(opened)
    } else {
      const message = 'A record was changed, dropped, swapped or repeated on its way, so the path was ended; call the peer again.'
      this.#fail(CLOSE_CODES.badRecord, cipherError('ERR_BAD_RECORD', message))
    }
  }

  #deliver(message: Uint8Array): void {
    if (!this.#isHeard) this.#hasUnheard = true
    if (this.#slot.push(message)) return
    this.#failUnheard(`The peer sent over ${UNHEARD_BYTES_MAX} bytes before anybody listened; assign onMessage sooner.`)
  }

  #write(kind: Uint8Array, message: Uint8Array): void {
    const record = this.#outgoing.encryptSoon(kind, message)
    rekeyWhenDue(this.#outgoing)
    this.#sealing.push(record, message.byteLength)
    this.#prepareSoon()
  }

  /** The ciphers of the next records are made once this one has left, not between a question and its answer. */
  #prepareSoon(): void {
    if (this.#isPreparing) return
    this.#isPreparing = true
    void RESOLVED.then(this.#prepare)
  }

  readonly #prepare = (): void => {
    this.#isPreparing = false
    this.#outgoing.prepare('seal')
    this.#incoming.prepare('open')
  }

  #pass(record: Uint8Array): void {
    this.#channelHasRoom = false // before: a channel may call onDrain before send returns
    if (this.#channel.send(record)) this.#channelHasRoom = true
    this.#drain()
  }

  #drain(): void {
    if (!this.#owesDrain || !this.#channelHasRoom || this.#sealing.bytes > SEALING_BYTES_LOW || this.#state !== 'open') return
    this.#owesDrain = false
    this.onDrain()
  }

  #writeClose(code: number): void {
    this.#write(RECORD_KINDS.close, Uint8Array.of(code >>> 8, code & 0xff))
  }

  /** The peer said that it is done, and everything before that was delivered. */
  #finishForPeer(code: number): void {
    if (this.#state !== 'open') return
    const failed = code === CLOSE_CODES.badRecord || code === CLOSE_CODES.unheard
    const error = failed && cipherError('ERR_TRUNCATED', `The peer ended the path with code ${code}; what was under way is lost.`)
    this.#end({ by: 'peer', code, ...(error ? { error } : {}) })
    onceEmpty(this.#sealing, () => this.#channel.close())
  }

  #lowerEnded({ by, error }: CloseReason): void {
    if (this.#state === 'closing') {
      this.#end(error ? { ...this.#ourReason, error } : this.#ourReason)
    } else if (this.#peerCode === undefined) {
      const message = 'The path ended without the sealed CLOSE, so the last messages may be missing; call the peer again.'
      this.#end({ by, code: CLOSE_CODES.truncated, error: cipherError('ERR_TRUNCATED', message, error) })
    } // else it waits for a listener, and nothing is missing
  }

  /** Our own direction still stands: the peer is told the number, sealed. */
  #fail(code: number, error: SwarmError): void {
    if (this.#state === 'open') this.#writeClose(code)
    this.#end({ by: 'us', code, error })
    onceEmpty(this.#sealing, () => this.#channel.close())
  }

  #failUnheard(message: string): void {
    this.#fail(CLOSE_CODES.unheard, cipherError('ERR_UNHEARD', message))
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    if (reason.error) this.#slot.clear()
    this.#resolveClosed(reason)
  }
}

function onceEmpty(line: { readonly isEmpty: boolean; onEmpty: () => void }, act: () => void): void {
  if (line.isEmpty) act()
  else line.onEmpty = act
}

function rekeyWhenDue(cipher: CipherState): void {
  if (cipher.nonce % REKEY_AFTER_RECORDS === 0) cipher.rekey()
}
