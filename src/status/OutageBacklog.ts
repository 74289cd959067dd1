import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { isDown, targetOf, type Transition, type WaitingTransition } from "./Transition.ts"

/**
 * The transitions that wait for the store, in order. Those of one target alternate: one that says what the last has said
 * already changes nothing and is not taken.
 */
export class OutageBacklog {
  private readonly waiting = new Map<number, WaitingTransition>()
  private readonly numbers = new Map<TargetKey, Array<number>>()
  private total = 0

  get size(): number {
    return this.waiting.size
  }

  /** What their records take in the journal. */
  get bytes(): number {
    return this.total
  }

  first(): WaitingTransition | undefined {
    return this.waiting.values().next().value
  }

  /** In order. */
  all(): IterableIterator<WaitingTransition> {
    return this.waiting.values()
  }

  /** Whether a transition says more than the last that waits for its target. */
  isNews(transition: Transition): boolean {
    const last = this.last(targetKey(targetOf(transition)))
    return last === undefined || isDown(last.transition) !== isDown(transition)
  }

  /** The targets that will have an open outage when all is done. */
  downTargets(): ReadonlyArray<Target> {
    return [...this.numbers.keys()].flatMap((key) => {
      const last = this.last(key)
      return last !== undefined && isDown(last.transition) ? [targetOf(last.transition)] : []
    })
  }

  /** Takes one that is news, with a number greater than all others. */
  add(waiting: WaitingTransition): void {
    const key = targetKey(targetOf(waiting.transition))
    const numbers = this.numbers.get(key)
    if (numbers === undefined) this.numbers.set(key, [waiting.number])
    else numbers.push(waiting.number)
    this.waiting.set(waiting.number, waiting)
    this.total += waiting.bytes
  }

  /** What ends the outage that this one opens, when that waits too. */
  endOf({ number, transition }: WaitingTransition): WaitingTransition | undefined {
    if (!isDown(transition)) return undefined
    const numbers = this.numbers.get(targetKey(targetOf(transition))) ?? []
    const at = numbers.indexOf(number)
    const next = at < 0 ? undefined : this.waiting.get(numbers[at + 1] ?? -1)
    return next === undefined || isDown(next.transition) ? undefined : next
  }

  remove(number: number): void {
    const found = this.waiting.get(number)
    if (found === undefined) return
    this.waiting.delete(number)
    this.total -= found.bytes
    const key = targetKey(targetOf(found.transition))
    const numbers = this.numbers.get(key)!
    if (numbers.length === 1) this.numbers.delete(key)
    else numbers.splice(numbers.indexOf(number), 1)
  }

  /**
   * Makes room: gives up the oldest outages that are over until no more than `size` wait, and gives what opened them. The
   * first transition stays, since somebody is at work on it. When no outage is over, the oldest transitions go.
   */
  giveUp(size: number): ReadonlyArray<WaitingTransition> {
    const given: Array<WaitingTransition> = []
    const first = this.first()
    for (const waiting of this.waiting.values()) {
      if (this.size <= size) return given
      const end = waiting === first ? undefined : this.endOf(waiting)
      if (end === undefined) continue
      this.remove(waiting.number)
      this.remove(end.number)
      given.push(waiting)
    }
    for (const waiting of this.waiting.values()) {
      if (this.size <= size) return given
      if (waiting === first) continue
      this.remove(waiting.number)
      given.push(waiting)
    }
    return given
  }

  private last(key: TargetKey): WaitingTransition | undefined {
    return this.waiting.get(this.numbers.get(key)?.at(-1) ?? -1)
  }
}
