/** What an entry takes beside its text, in bytes: its place in the map, and the two texts themselves. */
const overhead = 128

/** As UTF-8. Measuring makes a text whole that was put together from parts, so that it keeps no more alive than itself. */
const sizeOf = (question: string, reply: string): number =>
  overhead + Buffer.byteLength(question) + Buffer.byteLength(reply)

/**
 * Replies by what was asked, as many as have room. There are two halves: when the younger one is full, the older one goes,
 * and with it what was not asked for since the last time. That takes one look-up for what is asked often, and no order that
 * every question would have to change.
 */
export class KeptReplies {
  readonly #half: number
  #young = new Map<string, string>()
  #old = new Map<string, string>()
  #youngBytes = 0

  /** `budget` is all that may be kept, in bytes. */
  constructor(budget: number) {
    this.#half = budget / 2
  }

  get(question: string): string | undefined {
    const young = this.#young.get(question)
    if (young !== undefined) return young
    const old = this.#old.get(question)
    if (old !== undefined) {
      this.#old.delete(question)
      this.#put(question, old, sizeOf(question, old))
    }
    return old
  }

  /** Keeps a reply to what has none, if it is not so long that half of all would have to go for it; gives the reply. */
  keep(question: string, reply: string): string {
    const size = sizeOf(question, reply)
    if (size <= this.#half) this.#put(question, reply, size)
    return reply
  }

  #put(question: string, reply: string, size: number): void {
    if (this.#youngBytes + size > this.#half) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(question, reply)
    this.#youngBytes += size
  }
}
