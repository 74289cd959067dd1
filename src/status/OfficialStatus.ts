import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Target, TargetKey } from "../domain/Target.ts"
import type { Decision, Official, StatusChange } from "./Decision.ts"

/** The official status of every target, kept across restarts. */
export class OfficialStatus extends Context.Service<OfficialStatus, {
  /**
   * Takes a decision. It is ignored when it is not newer than the target's last, or is more than 5 minutes from our
   * clock; it changes nothing when the target has that status already. Succeeds with the change, if there was one.
   */
  readonly apply: (decision: Decision) => Effect.Effect<StatusChange | undefined>
  readonly get: (target: Target) => Effect.Effect<Official | undefined>
  readonly all: Effect.Effect<ReadonlyMap<TargetKey, Official>>
  /** Forgets targets that are no longer configured. */
  readonly retain: (isConfigured: (target: Target) => boolean) => Effect.Effect<void>
  /** Changes from now on, in order, none missed until the scope closes. In place when the effect succeeds. */
  readonly subscribe: Effect.Effect<Stream.Stream<StatusChange>, never, Scope.Scope>
}>()("effect-geodns/status/OfficialStatus") {}
