import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import type { FinalizeMessage } from "../../domain/wire/Consensus.ts"
import { republishTime, standInTime } from "../Timing.ts"

interface Publication {
  readonly message: FinalizeMessage
  readonly at: number
  readonly isFirst: boolean
}

/**
 * Decisions that this node made, until it has published them: all who vote make one at about the same time, so who proposed it publishes
 * it at once, and another only when it hears none for a second. Each is sent once more after 10 s.
 */
export class Publications {
  readonly #waiting = new Map<TargetKey, Publication>()

  get size(): number {
    return this.#waiting.size
  }

  /** We made a decision. `isOurs`: we proposed it, and have just published it. */
  made(target: Target, message: FinalizeMessage, isOurs: boolean, now: number): void {
    const at = now + (isOurs ? republishTime : standInTime)
    this.#waiting.set(targetKey(target), { message, at, isFirst: !isOurs })
  }

  /** A member says that it published the same. It is not checked: so it keeps us from saying it soon, but not from saying it. */
  heard(target: Target, now: number): void {
    const key = targetKey(target)
    const waiting = this.#waiting.get(key)
    if (waiting?.isFirst !== true) return
    this.#waiting.set(key, { ...waiting, at: now + republishTime, isFirst: false })
  }

  /** There is a newer decision. */
  over(target: Target): void {
    this.#waiting.delete(targetKey(target))
  }

  /** What is to be published now. */
  due(now: number): ReadonlyArray<FinalizeMessage> {
    const due: Array<FinalizeMessage> = []
    for (const [key, waiting] of this.#waiting) {
      const { at, isFirst, message } = waiting
      // After our clock was set back it would wait for longer than anything does.
      if (now < at && at - now <= republishTime) continue
      if (isFirst) this.#waiting.set(key, { ...waiting, at: now + republishTime, isFirst: false })
      else this.#waiting.delete(key)
      due.push(message)
    }
    return due
  }
}
