import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bus } from "../bus/Bus.ts"
import { MemoryBroker } from "../bus/MemoryBroker.ts"
import type { Config } from "../config/Config.ts"
import type { Override, OverrideKind } from "../domain/Override.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { makeOverrides } from "./makeOverrides.ts"
import { InvalidOverride, OverrideError } from "./OverrideError.ts"

export {
  InShadow,
  InvalidOverride,
  NothingToEnd,
  NotKept,
  OverrideError,
  TooMany,
  UnknownMember
} from "./OverrideError.ts"

/** What an operator asks for. */
export interface OverrideRequest {
  readonly kind: OverrideKind
  /** The name or the key of a member. */
  readonly member: string
  /** At most 500 characters. */
  readonly reason: string
  /** At most 100 characters. */
  readonly author: string
  /** Milliseconds since the epoch; now when missing or past. */
  readonly from?: number | undefined
  /** Milliseconds since the epoch; until somebody ends it when missing. */
  readonly until?: number | undefined
}

/** What ends. */
export interface EndRequest {
  readonly kind: OverrideKind
  /** The name or the key of a member. */
  readonly member: string
  /** At most 500 characters; may be empty. */
  readonly reason: string
  readonly author: string
}

/** Something happened to an override, here or on another node. */
export interface OverrideChange {
  /** `given`: announced, and not yet in force. One that holds at once has begun. */
  readonly change: "given" | "began" | "ended"
  readonly override: Override
}

/** Members that operators took out of service by hand. Every node knows them all, and keeps them across restarts. */
export class Overrides extends Context.Service<Overrides, {
  /** Takes a member out. When it succeeds it is on this node's disk and in force here; other nodes are told at once. */
  readonly add: (request: OverrideRequest) => Effect.Effect<Override, OverrideError>
  /** Ends what is in force or planned for a member, and gives what it ended. */
  readonly end: (request: EndRequest) => Effect.Effect<ReadonlyArray<Override>, OverrideError>
  /** Those in force or planned, and those that ended within the last 35 days; the newest first. */
  readonly list: Effect.Effect<ReadonlyArray<Override>>
  /** The names of the members that are out now, each with the override that holds longest. The same map until one changes. */
  readonly active: Effect.Effect<ReadonlyMap<string, Override>>
  /** The same now, and whenever one begins or ends to hold. A slow reader gets the last. */
  readonly changes: Stream.Stream<ReadonlyMap<string, Override>>
  /** What happens from now on, one by one. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<OverrideChange>, never, Scope.Scope>
}>()("effect-geodns/status/Overrides") {
  /**
   * Kept in the durable file `overrides.json`, and shared on `geodns.v1.override` with every node that can be reached, at
   * once and again after the network was cut. A node in shadow mode hears of them, and refuses to give or end any. A DNS
   * node without a management key tells nobody what it heard. A file that is broken is set aside as `overrides.broken.json` and reported
   * as a condition; what can be read of it is used.
   */
  static readonly layer: Layer.Layer<Overrides, never, NodeIdentity | Bus | Config | DurableFiles | Conditions> = Layer
    .effect(Overrides, Effect.suspend(makeOverrides))

  /** Of a program that has none: nobody is out by hand, and nobody can be taken out. */
  static readonly layerNone: Layer.Layer<Overrides> = Layer.sync(Overrides, () => {
    const nobody: ReadonlyMap<string, Override> = new Map()
    const refuse = Effect.fail(
      new OverrideError({ reason: new InvalidOverride({ detail: "this program keeps no overrides" }) })
    )
    return {
      add: () => refuse,
      end: () => refuse,
      list: Effect.succeed([]),
      active: Effect.succeed(nobody),
      changes: Stream.concat(Stream.succeed(nobody), Stream.never),
      subscribe: Effect.succeed(Stream.never)
    }
  })

  /** The same as `layer` with files in memory and nobody else on the bus. Members are those of the configuration. */
  static readonly layerMemory: Layer.Layer<Overrides, never, Config> = Overrides.layer.pipe(
    Layer.provide([
      NodeIdentity.layerMemory({ id: "node", role: "IBPMonitor" }),
      Bus.layerMemory({ name: "node" }).pipe(Layer.provide(MemoryBroker.layer)),
      DurableFiles.layerMemory,
      Conditions.layerMemory
    ])
  )
}
