/** The weight of what is open of each sender. Nobody is kept who has nothing open. */
export class SenderWeights {
  readonly #weights = new Map<string, number>()

  of(sender: string): number {
    return this.#weights.get(sender) ?? 0
  }

  /** Adds to it, or takes away. */
  add(sender: string, weight: number): void {
    const sum = this.of(sender) + weight
    if (sum > 0) this.#weights.set(sender, sum)
    else this.#weights.delete(sender)
  }
}
