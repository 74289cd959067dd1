import * as Effect from "effect/Effect"
import type { PlannedTarget } from "../../../src/monitor/PlannedTarget.ts"
import { runInTime } from "../../../src/monitor/Prober.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { plannedTarget, prepared } from "../planned.ts"
import type { TestServer } from "../servers.ts"

/** How a target is looked at. */
export interface Look {
  readonly probe: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly url?: string
  readonly host?: string
  readonly timeout?: number
  readonly interval?: number
  readonly member?: string
  readonly networks?: PlannedTarget["networks"]
}

/** A target at an address. */
export const targetAt = Effect.fnUntraced(function*(
  { address, port }: Pick<TestServer, "address" | "port">,
  { options, probe, ...look }: Look
) {
  return plannedTarget({ timeout: 5_000, ...look, run: prepared(yield* Probes, probe, options), address, port })
})

/** What a probe finds there, with the deadline of its check. */
export const lookAt = (server: Pick<TestServer, "address" | "port">, look: Look) =>
  Effect.flatMap(targetAt(server, look), runInTime)

/** What went wrong there, and that no connection stays. */
export const errorAt = Effect.fnUntraced(function*(server: TestServer, look: Look) {
  const { error, up } = yield* lookAt(server, look)
  yield* server.drained
  if (up !== false) return yield* Effect.die(new Error(`up: ${up} ${error}`))
  return error
})
