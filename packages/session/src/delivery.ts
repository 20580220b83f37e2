import { type CloseReason, MessageSlot } from '@resilient-swarm/contract'

/** What was received on its way to whoever listens, and the end behind it: a peer's ordinary end waits until all was heard. */
export class Delivery {
  readonly closed: Promise<CloseReason>
  readonly #slot: MessageSlot
  #isHeard = false
  #hasUnheard = false
  #waiting: CloseReason | undefined
  #resolveClosed: (reason: CloseReason) => void = () => {}

  constructor({ unheardBytesMax }: { unheardBytesMax: number }) {
    this.#slot = new MessageSlot({ waitingBytesMax: unheardBytesMax })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  get receive(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  set receive(receive: (message: Uint8Array) => void) {
    this.#isHeard = true
    this.#slot.receive = receive
    this.#hasUnheard = false
    if (this.#waiting) this.#resolveClosed(this.#waiting)
  }

  /** False: nobody listens, and it is more than may wait. */
  push(message: Uint8Array): boolean {
    if (!this.#isHeard) this.#hasUnheard = true
    return this.#slot.push(message)
  }

  /** Nothing more comes. The first reason stands, but an error takes the place of an end that still waits. */
  end(reason: CloseReason): void {
    if (reason.error) this.#slot.clear()
    if (this.#hasUnheard && reason.by === 'peer' && !reason.error) this.#waiting ??= reason
    else this.#resolveClosed(reason)
  }
}
