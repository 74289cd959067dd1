import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Config } from "../config/Config.ts"
import { describeTarget } from "../domain/Target.ts"
import { lookOnce, targetsAbout } from "../monitor/lookOnce.ts"
import { plan } from "../monitor/plan.ts"
import { Probes } from "../monitor/Probes.ts"
import { documents } from "./offline.ts"

/** Targets that are named when there are several. */
const shown = 12

/** The words are about no target, or about several. */
export class TargetChoiceError extends Schema.TaggedError<TargetChoiceError>()("TargetChoiceError", {
  message: Schema.String
}) {}

/**
 * Probes the one target of a local document that these words are about. It needs no broker, writes nothing, and tries both IP
 * versions, whatever this machine has.
 */
export const probeTarget = (path: string, words: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { catalog, local } = yield* Config.use((config) => config.current)
    const { problems, targets } = plan(local, catalog, { ipv4: "all", ipv6: "all" }, yield* Probes)
    const found = targetsAbout(targets.values(), words)
    const [planned] = found
    if (planned === undefined) {
      const why = [...problems.values()].map(({ about, problem }) => `\n  ${about}: ${problem}`)
      return yield* new TargetChoiceError({
        message: `no target has ${words.join(", ")}: name a member, a domain, a URL or a check of ${path}${
          why.slice(0, shown).join("")
        }`
      })
    }
    if (found.length > 1) {
      const names = found.slice(0, shown).map(({ target }) => `\n  ${describeTarget(target)}`).join("")
      const more = found.length > shown ? `\n  and ${found.length - shown} more` : ""
      return yield* new TargetChoiceError({
        message: `${found.length} targets have ${
          words.join(", ")
        }: say which, by more words as wss or ipv4${names}${more}`
      })
    }
    return { planned, looked: yield* lookOnce(planned) }
  }).pipe(Effect.provide([documents(path), Probes.layer]))
