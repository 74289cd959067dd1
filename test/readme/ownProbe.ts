import { Effect, Result } from "effect"
import { dialTcp, firstBytes, type Probe, Probes, resultOf } from "effect-geodns/monitor"

/** Succeeds when the member's mail server greets. */
const smtp: Probe = {
  name: "smtp",
  checkTypes: ["site"],
  port: 25,
  prepare: () =>
    Result.succeed(Effect.fn(
      function*(planned) {
        const up = String(yield* firstBytes(yield* dialTcp(planned, 5_000))).startsWith("220 ")
        return { up, error: up ? "" : "no mail server greets", data: null }
      },
      Effect.scoped,
      Effect.catch((problem) => resultOf(problem))
    ))
}

/** The probes of this version, and our own. */
export const probes = Probes.layerWith([smtp])
