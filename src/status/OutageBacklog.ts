import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { isDown, saysTheSame, targetOf, type Transition, type WaitingTransition } from "./Transition.ts"

/**
 * The transitions that wait for the store, in order. Those of one target alternate: one that says what the last has said
 * already changes nothing and is not taken. An outage is ended by what comes next, also by the next outage.
 */
export class OutageBacklog {
  private readonly waiting = new Map<number, WaitingTransition>()
  private readonly numbers = new Map<TargetKey, Array<number>>()
  private total = 0
  /** No number that waits is lower. A map whose first entries are gone is slow to give its first. */
  private head = 0

  get size(): number {
    return this.waiting.size
  }

  /** What their records take in the journal. */
  get bytes(): number {
    return this.total
  }

  first(): WaitingTransition | undefined {
    if (this.waiting.size === 0) return undefined
    while (!this.waiting.has(this.head)) this.head++
    return this.waiting.get(this.head)
  }

  /** In order. */
  all(): IterableIterator<WaitingTransition> {
    return this.waiting.values()
  }

  has(target: Target): boolean {
    return this.numbers.has(targetKey(target))
  }

  /** Whether a transition says more than the last that waits for its target. */
  isNews(transition: Transition): boolean {
    const last = this.last(targetKey(targetOf(transition)))
    return last === undefined || !saysTheSame(last.transition, transition)
  }

  /** The targets that will have an open outage when all is done. */
  downTargets(): ReadonlyArray<Target> {
    return [...this.numbers.keys()].flatMap((key) => {
      const last = this.last(key)
      return last !== undefined && isDown(last.transition) ? [targetOf(last.transition)] : []
    })
  }

  /** Takes one, with a number greater than all others, if it is news. */
  add(waiting: WaitingTransition): void {
    if (!this.isNews(waiting.transition)) return
    if (this.waiting.size === 0) this.head = waiting.number
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
    return at < 0 ? undefined : this.waiting.get(numbers[at + 1] ?? -1)
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

  /** Takes away all up to a number. */
  removeUntil(number: number): void {
    for (const waiting of this.waiting.values()) {
      if (waiting.number > number) return
      this.remove(waiting.number)
    }
  }

  /**
   * Makes room until no more than `size` wait, of no more than `bytes`, and gives the outages that are lost by that: what
   * opened them. First go the oldest that are over, then the oldest that are not. What closes an outage that is in the
   * store stays, or that one would never end: there is one per target at most. So does the first transition, since
   * somebody is at work on it.
   */
  giveUp(room: { readonly size: number; readonly bytes: number }): ReadonlyArray<WaitingTransition> {
    const given: Array<WaitingTransition> = []
    const first = this.first()
    for (const isOver of [true, false]) {
      for (const waiting of this.waiting.values()) {
        if (this.size <= room.size && this.total <= room.bytes) return given
        if (waiting === first || !isDown(waiting.transition)) continue
        const end = this.endOf(waiting)
        if ((end !== undefined) !== isOver) continue
        this.remove(waiting.number)
        if (end !== undefined && !isDown(end.transition)) this.remove(end.number)
        given.push(waiting)
      }
    }
    return given
  }

  private last(key: TargetKey): WaitingTransition | undefined {
    return this.waiting.get(this.numbers.get(key)?.at(-1) ?? -1)
  }
}
