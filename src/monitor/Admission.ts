interface Queue {
  readonly waiting: Set<string>
  running: number
}

/**
 * Who may start now: at most `total` at once, and at most `perMember` of one member. Those that wait are taken member by
 * member in turn, and in their order within a member, so that a member whose probes all hang holds up only its own.
 * A key waits or runs once. Deterministic.
 */
export class Admission {
  readonly #queues = new Map<string, Queue>()
  /** Members with a waiting key and room for it, in turn. */
  readonly #ready = new Set<string>()
  /** Key → its member, for all that wait or run. */
  readonly #members = new Map<string, string>()
  #total: number
  #perMember: number
  #running = 0

  constructor(total: number, perMember: number) {
    this.#total = total
    this.#perMember = perMember
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#members.size - this.#running
  }

  resize(total: number, perMember: number): void {
    this.#total = total
    this.#perMember = perMember
    for (const [member, queue] of this.#queues) this.#settle(member, queue)
  }

  /** Whether the key waits or runs. */
  has(key: string): boolean {
    return this.#members.has(key)
  }

  enter(key: string, member: string): void {
    if (this.#members.has(key)) return
    this.#members.set(key, member)
    let queue = this.#queues.get(member)
    if (queue === undefined) this.#queues.set(member, queue = { waiting: new Set(), running: 0 })
    queue.waiting.add(key)
    this.#settle(member, queue)
  }

  /** The next key that may start; it counts as running from now on. */
  next(): string | undefined {
    if (this.#running >= this.#total) return undefined
    const [member] = this.#ready
    if (member === undefined) return undefined
    const queue = this.#queues.get(member)!
    const [key] = queue.waiting
    queue.waiting.delete(key!)
    queue.running++
    this.#running++
    // To the end of the turn
    this.#ready.delete(member)
    this.#settle(member, queue)
    return key
  }

  /** The key is done, or no longer wanted. */
  leave(key: string): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    this.#members.delete(key)
    const queue = this.#queues.get(member)!
    if (!queue.waiting.delete(key)) {
      queue.running--
      this.#running--
    }
    this.#settle(member, queue)
  }

  #settle(member: string, queue: Queue): void {
    if (queue.waiting.size > 0 && queue.running < this.#perMember) this.#ready.add(member)
    else this.#ready.delete(member)
    if (queue.waiting.size === 0 && queue.running === 0) this.#queues.delete(member)
  }
}
