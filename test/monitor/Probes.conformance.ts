import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { PlannedTarget } from "../../src/monitor/PlannedTarget.ts"
import { type ProbeKind, probeKinds, type RunProbe } from "../../src/monitor/Probe.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { prepared } from "./planned.ts"

/** Targets of the three kinds that there are. */
export interface Targets {
  readonly good: PlannedTarget
  readonly bad: PlannedTarget
  /** Never answers. `closed` waits until nothing of a probe is left there. */
  readonly silent: PlannedTarget
  readonly closed: Effect.Effect<void>
}

/** What every implementation of the probes promises. `targets` sets the scene for one probe. */
export const probesConformance = <R>(
  name: string,
  layer: Layer.Layer<Probes | R>,
  targets: (probe: string, run: RunProbe) => Effect.Effect<Targets, never, R | Scope.Scope>
): void => {
  describe(`Probes (${name})`, () => {
    it.live("goes by the name of its kind", () =>
      Effect.gen(function*() {
        const probes = yield* Probes
        assert.sameMembers([...probes.keys()], Object.keys(probeKinds))
        for (const [name, probe] of probes) {
          assert.strictEqual(probe.name, name)
          const kind: ProbeKind = probeKinds[name as keyof typeof probeKinds]
          assert.deepInclude(probe, kind)
        }
      }).pipe(Effect.provide(layer)))

    for (const probe of ["http", "tcp", "ssl"]) {
      it.live(`${probe} has a result for what is up and for what is down, and leaves nothing when it is given up`, () =>
        Effect.gen(function*() {
          const run = prepared(yield* Probes, probe)
          const { bad, closed, good, silent } = yield* targets(probe, run)
          const up = yield* run(good)
          assert.isTrue(up.up)
          assert.strictEqual(up.error, "")
          const first = yield* run(bad)
          assert.isFalse(first.up)
          assert.match(first.error, /^.{3,200}$/)
          assert.strictEqual((yield* run(bad)).error, first.error)
          assert.isNotNull(JSON.stringify([up.data, first.data]))
          if (probe !== "tcp") {
            const given = yield* Effect.timeoutOption(run(silent), 50)
            assert.strictEqual(given._tag, "None")
            yield* closed
          }
        }).pipe(Effect.scoped, Effect.provide(layer)))
    }
  })
}
