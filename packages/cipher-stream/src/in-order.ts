interface Place<Value> {
  readonly byteCount: number
  made: { readonly value: Value } | undefined
}

/** Hands values on in the order in which they came, though some of them are still being made. */
export class InOrder<Value> {
  /** Of what waits to be made, or for its turn. */
  bytes = 0
  /** Called when nothing waits any more. */
  onEmpty: () => void = () => {}
  readonly #hand: (value: Value) => void
  #line: Place<Value>[] = []

  constructor(hand: (value: Value) => void) {
    this.#hand = hand
  }

  get isEmpty(): boolean {
    return this.#line.length === 0
  }

  /** Hands on at once what is made when nothing is before it. A promise must not reject. */
  push(value: Value | Promise<Value>, byteCount: number): void {
    if (value instanceof Promise) {
      const place: Place<Value> = { byteCount, made: undefined }
      this.#stand(place)
      void value.then((made) => {
        place.made = { value: made }
        this.#advance()
      })
    } else if (this.isEmpty) {
      this.#hand(value)
    } else {
      this.#stand({ byteCount, made: { value } })
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#line = []
    this.bytes = 0
  }

  #stand(place: Place<Value>): void {
    this.#line.push(place)
    this.bytes += place.byteCount
  }

  #advance(): void {
    for (let first = this.#line[0]; first?.made; first = this.#line[0]) {
      this.#line.shift()
      this.bytes -= first.byteCount
      try {
        this.#hand(first.made.value)
      } catch (error) {
        // A listener's own fault: reported as from any event, and those behind it go on.
        queueMicrotask(() => {
          throw error
        })
      }
      if (this.isEmpty) this.onEmpty()
    }
  }
}
