import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { Config } from "../../../src/config/Config.ts"
import { targetKey } from "../../../src/domain/Target.ts"
import { AlertStore } from "../../../src/store/AlertStore.ts"
import { OutageStore } from "../../../src/store/OutageStore.ts"
import { threats } from "../plan/Mode.ts"
import { epoch } from "../world/AnyNode.ts"
import type { Cluster } from "../world/Cluster.ts"
import { nameOf } from "../world/Story.ts"
import { documentsOf } from "./documents.ts"
import { Impostor } from "./Impostor.ts"
import { Machine } from "./Machine.ts"

/** Metrics whose counts say what befell a run. */
const told =
  /^geodns_(?:consensus_(?:dropped|decisions|abstentions)|certificate_answers|snapshot_unproven|nodes_forged)/

/** What the nodes of one cluster stand on: one machine, the documents, the databases, and what was said at the moment. */
export class Ground {
  readonly cluster: Cluster
  readonly machine: Machine
  /** What was logged as an error. */
  readonly errors: Array<string> = []
  readonly config: Layer.Layer<Config>
  /** Where the mode promises something under forgery. */
  readonly impostor: Impostor | undefined
  readonly #metrics = Context.make(Metric.MetricRegistry, new Map())
  readonly #stores = new Map<string, Context.Context<OutageStore | AlertStore>>()
  readonly #ports: Array<string> = []
  #given: Array<() => void> = []
  #taken: Array<() => void> = []

  constructor(cluster: Cluster) {
    this.cluster = cluster
    this.machine = new Machine(cluster.agenda, () => this.#judge())
    this.impostor = threats[cluster.plan.mode].forgery ? new Impostor(cluster) : undefined
    const read = this.machine.fork(
      this.context("documents", () => epoch + Math.floor(cluster.agenda.now)),
      Effect.scoped(Layer.build(Config.layerMemory(documentsOf(cluster.plan))))
    ).pollUnsafe()
    if (read?._tag !== "Success") throw new Error("the documents of the simulation cannot be read")
    this.config = Layer.succeed(Config, Context.get(read.value, Config))
  }

  /** What the effects of a node run with. `chance` names its chance, and `wall` is what its clock shows. */
  context(chance: string, wall: () => number): Context.Context<never> {
    const random = this.cluster.chanceOf(chance)
    return Context.mergeAll(
      this.machine.context(wall),
      this.#metrics,
      Context.make(Logger.CurrentLoggers, new Set([this.#logger(chance)])),
      Context.make(Random.Random, {
        nextDoubleUnsafe: () => random.next(),
        nextIntUnsafe: () => random.int(-(2 ** 50), 2 ** 50)
      })
    )
  }

  /** The database of a collator: it outlives the node. */
  storesOf(node: string): Context.Context<OutageStore | AlertStore> {
    const known = this.#stores.get(node)
    if (known !== undefined) return known
    const layer = Layer.fresh(Layer.merge(OutageStore.layerMemory, AlertStore.layerMemory))
    const made = Effect.runSync(Effect.scoped(Layer.build(layer)))
    this.#stores.set(node, made)
    return made
  }

  /** A number for a new port of a node; inboxes are named by it. */
  portOf(node: string): number {
    return this.#ports.push(node) - 1
  }

  /** The node that has an inbox. */
  ownerOf(inbox: string): string | undefined {
    return this.#ports[Number(inbox.split(".")[1])]
  }

  /** Says that a vote was given, or something was seen. */
  given(say: () => void): void {
    this.#given.push(say)
  }

  /** Says that something follows from votes. What was given at the same moment is known when that is judged. */
  taken(say: () => void): void {
    this.#taken.push(say)
  }

  #judge(): void {
    const said = [...this.#given, ...this.#taken]
    if (said.length === 0) return
    this.#given = []
    this.#taken = []
    for (const say of said) say()
  }

  /** What is wrong in the databases at the end, and what was logged as an error. */
  problems(): ReadonlyArray<string> {
    const inStores = [...this.#stores].flatMap(([node, stores]) => {
      const outages = Effect.runSync(Stream.runCollect(Context.get(stores, OutageStore).find({})))
      const open = Map.groupBy(outages.filter(({ end }) => end === undefined), ({ target }) => targetKey(target))
      return [
        ...outages.filter(({ end, start }) => end !== undefined && end <= start).map(({ id, target }) =>
          `${node} keeps the outage ${id} of ${nameOf(target)}, which ends before it starts`
        ),
        ...[...open.values()].filter((some) => some.length > 1).map((some) =>
          `${node} keeps ${some.length} open outages of ${nameOf(some[0]!.target)}`
        )
      ]
    })
    return [...inStores, ...this.errors.map((error) => `logged as an error: ${error}`)]
  }

  /** How often what happened, as the metrics of all nodes have it. */
  count(): void {
    for (const { attributes = {}, id, state } of Metric.snapshotUnsafe(this.#metrics)) {
      if (!told.test(id) || !("count" in state)) continue
      const which = Object.values(attributes).join(" ")
      this.cluster.count(`${id.slice("geodns_".length)}${which === "" ? "" : `: ${which}`}`, Number(state.count))
    }
  }

  #logger(who: string): Logger.Logger<unknown, void> {
    return Logger.make(({ cause, logLevel, message }) => {
      const text = () =>
        `${[message].flat().map(String).join(" ")}${cause.reasons.length === 0 ? "" : ` ${Cause.pretty(cause)}`}`
      if (logLevel === "Error" || logLevel === "Fatal") this.errors.push(`${who}: ${text()}`)
      if (logLevel !== "Debug" && logLevel !== "Trace" && logLevel !== "Info") {
        this.cluster.story.tell(this.cluster.agenda.now, who.split("#")[0]!, () => `logs: ${text()}`)
      }
    })
  }
}
