import type { TargetKey } from "../domain/Target.ts"
import { LatencyHistory, type Percentiles } from "./LatencyHistory.ts"

/** How long the successful probes of the last one to two hours took. Undefined where there were none. */
export interface Latencies {
  readonly ofTarget: (key: TargetKey) => Percentiles | undefined
  /** Of all targets of a member together, by `Details.Name`. */
  readonly ofMember: (name: string) => Percentiles | undefined
}

/** The latencies of targets, and of members as a whole. */
export class LatencyTable {
  readonly #targets = new LatencyHistory()
  readonly #members = new LatencyHistory()

  record(key: TargetKey, member: string, millis: number, now: number): void {
    this.#targets.record(key, millis, now)
    this.#members.record(member, millis, now)
  }

  /** The target is gone, or is another thing now. */
  forget(key: TargetKey): void {
    this.#targets.forget(key)
  }

  /** Forgets all other members. */
  retain(members: ReadonlySet<string>): void {
    for (const name of [...this.#members.keys()]) if (!members.has(name)) this.#members.forget(name)
  }

  at(now: number): Latencies {
    return {
      ofTarget: (key) => this.#targets.percentiles(key, now),
      ofMember: (name) => this.#members.percentiles(name, now)
    }
  }
}
