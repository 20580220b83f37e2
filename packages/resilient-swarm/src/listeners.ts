/** Who listens to what: a list for each event, told in the order of registration. */
export class Listeners<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  readonly #lists: { [Name in keyof Events]?: readonly ((...facts: Events[Name]) => void)[] } = Object.create(null)

  on<Name extends keyof Events>(event: Name, listener: (...facts: Events[Name]) => void): void {
    this.#lists[event] = [...this.#of(event), listener]
  }

  off<Name extends keyof Events>(event: Name, listener: (...facts: Events[Name]) => void): void {
    this.#lists[event] = this.#of(event).filter((each) => each !== listener)
  }

  has<Name extends keyof Events>(event: Name, listener: (...facts: Events[Name]) => void): boolean {
    return this.#of(event).includes(listener)
  }

  /** True when somebody listened. Who comes or goes meanwhile changes nothing for this time. */
  emit<Name extends keyof Events>(event: Name, ...facts: Events[Name]): boolean {
    const listeners = this.#of(event)
    for (const listener of listeners) listener(...facts)
    return listeners.length > 0
  }

  #of<Name extends keyof Events>(event: Name): readonly ((...facts: Events[Name]) => void)[] {
    return this.#lists[event] ?? []
  }
}
