import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"

/** A certificate that is to be asked for, `from` a node, or from everybody (`""`). */
export interface Wanted {
  readonly target: Target
  readonly seq: number
  readonly from: string
}

interface Sender {
  readonly waiting: Map<TargetKey, Wanted>
  underWay: number
}

/** What a {@link FetchQueue} holds at most. */
export interface FetchLimits {
  /** Waiting because of one sender: the oldest goes. A member that is ahead says so again. */
  readonly waiting: number
  /** Under way at once because of one sender, and in all. */
  readonly each: number
  readonly all: number
  /** Senders that are told apart; of more nothing is fetched. Members of a roster are no more than 64. */
  readonly senders: number
}

/** What comes in bulk when a node is far behind is compared with all registers, not asked for one by one. */
export const fetchLimits: FetchLimits = { waiting: 256, each: 4, all: 8, senders: 128 }

/**
 * Certificates that are to be asked for. Each sender that made us ask has its own share, and all have their turn: one that invents steps
 * keeps none of the others waiting.
 */
export class FetchQueue {
  readonly #limits: FetchLimits
  /** Whose turn is next comes first. */
  readonly #senders = new Map<string, Sender>()
  #underWay = 0

  constructor(limits: FetchLimits = fetchLimits) {
    this.#limits = limits
  }

  /** How many wait, for tests. */
  get size(): number {
    let size = 0
    for (const { waiting } of this.#senders.values()) size += waiting.size
    return size
  }

  /** The newest word of a sender on a target counts. */
  offer(wanted: Wanted): void {
    const { from } = wanted
    const sender = this.#senders.get(from) ?? { waiting: new Map<TargetKey, Wanted>(), underWay: 0 }
    if (!this.#senders.has(from)) {
      if (this.#senders.size >= this.#limits.senders) return
      this.#senders.set(from, sender)
    }
    const key = targetKey(wanted.target)
    sender.waiting.delete(key)
    sender.waiting.set(key, wanted)
    if (sender.waiting.size > this.#limits.waiting) sender.waiting.delete(sender.waiting.keys().next().value!)
  }

  /** The next one, which is under way until it is `done`; undefined when none may begin now. */
  take(): Wanted | undefined {
    if (this.#underWay >= this.#limits.all) return undefined
    for (const [from, sender] of this.#senders) {
      const [first] = sender.waiting
      if (first === undefined || sender.underWay >= this.#limits.each) continue
      const [key, wanted] = first
      sender.waiting.delete(key)
      sender.underWay++
      this.#underWay++
      this.#senders.delete(from)
      this.#senders.set(from, sender)
      return wanted
    }
    return undefined
  }

  done({ from }: Wanted): void {
    const sender = this.#senders.get(from)
    if (sender === undefined || sender.underWay === 0) return
    sender.underWay--
    this.#underWay--
    if (sender.underWay === 0 && sender.waiting.size === 0) this.#senders.delete(from)
  }
}
