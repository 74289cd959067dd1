import { afterEvent, type AlertThread } from "../../../src/alerts/AlertThread.ts"
import { type TargetKey, targetKey } from "../../../src/domain/Target.ts"
import type { Decision } from "../../../src/status/Decision.ts"
import type { OfficialTable } from "../../../src/status/OfficialTable.ts"
import { OpenOutages } from "../../../src/status/OpenOutages.ts"
import { decided, decisionOf, isDown, type Transition } from "../../../src/status/Transition.ts"
import type { Cluster } from "../world/Cluster.ts"

/** An outage before, that of somebody else before, and the one that begins. */
const maxRounds = 4

/** The outages and alert threads of a node that collects, as its store has them. */
export class Store {
  readonly outages = new OpenOutages()
  readonly #threads = new Map<string, AlertThread>()
  /** What the store was told last. */
  readonly #journal = new Map<TargetKey, Decision>()
  readonly #node: string
  readonly #cluster: Cluster

  constructor(node: string, cluster: Cluster) {
    this.#node = node
    this.#cluster = cluster
  }

  /** Follows a transition in the store, as `OutageLog` does. */
  follow(transition: Transition, now: number): void {
    const status = decisionOf(transition)
    if (status !== undefined) this.#journal.set(targetKey(status.target), status)
    for (let round = 0; round < maxRounds; round++) {
      const event = this.outages.next(transition, { minimumOffline: 0, now })
      if (event === undefined) {
        if (round === 0) this.outages.pass(transition)
        return
      }
      this.outages.commit(event)
      const { outage } = event
      this.#threads.set(outage.id, afterEvent(this.#threads.get(outage.id), event))
      const open = [...this.#threads.values()].filter((thread) =>
        thread.state === "open" && targetKey(thread.outage.target) === targetKey(outage.target)
      )
      this.#cluster.count(event._tag === "Opened" ? "outages" : "outages that ended")
      this.#cluster.watch.outage(this.#node, event._tag, outage, open.length)
      // What was open until then is over, and the next one begins.
      if (!isDown(transition) || (event._tag === "Opened" && this.outages.isBeyond(transition) !== true)) return
    }
  }

  /** What the store knows and the disk does not, at the start. */
  bringInLine(table: OfficialTable, now: number): void {
    for (const status of this.#journal.values()) table.resume(status, now)
    for (const outage of this.outages.all()) {
      const official = table.get(targetKey(outage.target))
      if (official?.up === true) this.follow(decided(official, { id: outage.id, start: outage.start }), now)
    }
  }
}
