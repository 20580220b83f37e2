/** A map of at most `max` entries, in the order in which they were set last; one more, and the oldest is forgotten. */
export function createNewestMap<Key, Value>(max: number): Map<Key, Value> {
  return new NewestMap(max)
}

class NewestMap<Key, Value> extends Map<Key, Value> {
  readonly #max: number

  constructor(max: number) {
    super()
    this.#max = max
  }

  override set(key: Key, value: Value): this {
    this.delete(key)
    super.set(key, value)
    for (const oldest of this.keys()) {
      if (this.size <= this.#max) break
      this.delete(oldest)
    }
    return this
  }
}
