interface Queue {
  readonly waiting: Set<string>
  running: number
  /** Among which of the ready ones it is; undefined when it is not ready. */
  turn: Set<string> | undefined
}

/**
 * Who may start now: at most `total` at once, and at most `perMember` of one member. The member with the fewest under way
 * comes first, those with as many in turn, and within a member in the order in which they came: members whose probes all hang
 * hold up their own, which wait for each other, and hardly those of others. A key waits or runs once. Deterministic.
 */
export class Admission {
  readonly #queues = new Map<string, Queue>()
  /** Members with a waiting key and room for it, in turn, by how many they have under way. */
  readonly #ready: Array<Set<string>> = []
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
    if (queue === undefined) this.#queues.set(member, queue = { waiting: new Set(), running: 0, turn: undefined })
    queue.waiting.add(key)
    this.#settle(member, queue)
  }

  /** The next key that may start; it counts as running from now on. */
  next(): string | undefined {
    if (this.#running >= this.#total) return undefined
    const [member] = this.#ready.find((turn) => turn.size > 0) ?? []
    if (member === undefined) return undefined
    const queue = this.#queues.get(member)!
    const [key] = queue.waiting
    queue.waiting.delete(key!)
    queue.running++
    this.#running++
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
    const isReady = queue.waiting.size > 0 && queue.running < this.#perMember
    while (this.#ready.length <= queue.running) this.#ready.push(new Set())
    const turn = isReady ? this.#ready[queue.running] : undefined
    if (turn !== queue.turn) {
      queue.turn?.delete(member)
      turn?.add(member)
      queue.turn = turn
    }
    if (queue.waiting.size === 0 && queue.running === 0) this.#queues.delete(member)
  }
}
