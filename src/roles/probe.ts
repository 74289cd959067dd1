import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Config } from "../config/Config.ts"
import { type Looked, lookOnce, targetsAbout, wordsOf } from "../monitor/lookOnce.ts"
import { plan } from "../monitor/plan.ts"
import type { PlannedTarget } from "../monitor/PlannedTarget.ts"
import { Probes } from "../monitor/Probes.ts"
import { documents } from "./offline.ts"
import type { ProbeOptions } from "./probing.ts"

/** Targets that are named when there are several, and words that tell them apart. */
const shown = 12
const shownWords = 6

/** The words are about no target, or about several. */
export class TargetChoiceError extends Schema.TaggedError<TargetChoiceError>()("TargetChoiceError", {
  message: Schema.String
}) {}

/** A word as it is typed into a shell. */
const typed = (word: string): string =>
  /^[\w.:/@%+=,-]+$/.test(word)
    ? word
    : /["$`\\!\n]/.test(word)
    ? `'${word.replaceAll("'", `'\\''`)}'`
    : `"${word}"`

/** By which one more word these targets can be told apart: those that they do not have in common, by what they are. */
const differences = (found: ReadonlyArray<PlannedTarget>): ReadonlyArray<string> =>
  ([
    ["a check", ({ check }) => check],
    ["a type", ({ checkType }) => checkType],
    ["a member", ({ member }) => member],
    ["a URL or a domain", ({ domain, endpoint }) => endpoint === "" ? domain : endpoint],
    ["an IP version", ({ ipv6 }) => ipv6 ? "ipv6" : "ipv4"]
  ] as ReadonlyArray<readonly [string, (target: PlannedTarget["target"]) => string]>).flatMap(([what, read]) => {
    const words = [...new Set(found.map(({ target }) => read(target)))].filter((word) => word !== "")
    if (words.length < 2) return []
    const more = words.length > shownWords ? " …" : ""
    return [`${what} (${words.slice(0, shownWords).map(typed).join(", ")}${more})`]
  })

const nothingLearned = ({ check: { single, timeout } }: PlannedTarget): Looked | undefined =>
  single === undefined ? undefined : { up: undefined, error: single, data: null, latency: 0, timeout, steps: [] }

/**
 * Probes the one target of a local document that these words are about. It needs no broker, writes nothing, and tries both IP
 * versions, whatever this machine has.
 */
export const probeTarget = (
  path: string,
  words: ReadonlyArray<string>,
  { probes = Probes.layer }: ProbeOptions = {}
) =>
  Effect.gen(function*() {
    const { catalog, local } = yield* Config.use((config) => config.current)
    const { problems, targets } = plan(local, catalog, { ipv4: "all", ipv6: "all" }, yield* Probes)
    const found = targetsAbout(targets.values(), words)
    const said = words.map(typed).join(" ")
    const [planned] = found
    if (planned === undefined) {
      const why = [...problems.values()].map(({ about, problem }) => `\n  ${about}: ${problem}`)
      return yield* new TargetChoiceError({
        message: `no target has ${said}: name a member, a domain, a URL or a check of ${path}${
          why.slice(0, shown).join("")
        }`
      })
    }
    if (found.length > 1) {
      const lines = found.slice(0, shown).map(({ target }) =>
        `\n  ${wordsOf(target, targets.values()).map(typed).join(" ")}`
      )
      const more = found.length > shown ? `\n  and ${found.length - shown} more` : ""
      return yield* new TargetChoiceError({
        message: `${found.length} targets have ${said}: say which, by ${differences(found).join(", or ")}${
          lines.join("")
        }${more}`
      })
    }
    return { planned, looked: nothingLearned(planned) ?? (yield* lookOnce(planned)) }
  }).pipe(Effect.provide([documents(path), probes]))
