import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DemoError } from "../../demo/DemoError.ts"
import { failover, failoverSteps, type Seen } from "../../demo/failover.ts"
import { DemoAddresses, layer as liveWorld } from "../../demo/LiveWorld.ts"
import { demoMembers } from "../../demo/places.ts"
import { introText, storyLine } from "../demoText.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { service } from "../service.ts"

/** Who fails in which round, and an address in the place that the member is nearest to. */
const rounds = [
  ["Fuji", "203.0.113.7"],
  ["Rhine", "198.51.100.7"],
  ["Potomac", "192.0.2.7"],
  ["Pampa", "198.18.0.7"],
  ["Tasman", "198.18.1.7"]
] as const

const play = Effect.fnUntraced(function*(options: {
  readonly round: number
  readonly json: boolean
  readonly downFor: Duration.Input
}) {
  const { downFor, json, round } = options
  const [key, client] = rounds[round % rounds.length]!
  const member = demoMembers.find((other) => other.key === key)!
  const began = yield* Clock.currentTimeMillis
  const onSeen = (seen: Seen) =>
    Console.log(
      json
        ? JSON.stringify({ ...seen, at: new Date(seen.at).toISOString(), elapsedMs: seen.at - began })
        : storyLine(seen, began, paint)
    )
  yield* failover({ member, client, onSeen, patience: "15 seconds", downFor })
  return (yield* Clock.currentTimeMillis) - began
})

const once = (json: boolean) =>
  play({ round: 0, json, downFor: 0 }).pipe(
    Effect.flatMap((elapsedMs) =>
      Console.log(
        json
          ? JSON.stringify({ result: "ok", steps: failoverSteps.length, elapsedMs })
          : paint.good(`\nAll ${failoverSteps.length} steps were seen.`)
      )
    )
  )

/** Plays on and on; what was not seen in one round is said, and the next one begins. */
const forEver = Effect.gen(function*() {
  for (let round = 0;; round++) {
    yield* play({ round, json: false, downFor: "10 seconds" }).pipe(
      Effect.catch((error) => Console.log(paint.bad(error.message)))
    )
    yield* Console.log(paint.dim("\nThe next member fails in 20 s. Ctrl-C stops everything.\n"))
    yield* Effect.sleep("20 seconds")
  }
})

/** The demo has no documents of an operator to change: another port is a flag. */
const cannotListen = (who: string, flag: string) => (reason: { readonly address: string; readonly code: string }) =>
  Effect.fail(
    new DemoError({
      message: `${who} of the demo cannot listen on ${reason.address} (${reason.code}): ${
        reason.code === "EADDRINUSE" ? "another process has it. Stop that one (another demo?), or choose" : "choose"
      } another port with ${flag} (0 takes a free one).`
    })
  )

export const demo = Command.make("demo", {
  scenario: Flag.Literals("scenario", ["failover"]).pipe(
    Flag.withDescription("The story to tell (default failover)"),
    Flag.withDefault("failover")
  ),
  exit: Flag.Boolean("exit").pipe(
    Flag.withDescription("Play the story once; exit with 0 only if every step was seen"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("With --exit: print one JSON object per step, and the result last"),
    Flag.withDefault(false)
  ),
  dnsPort: Flag.Int("dns-port").pipe(
    Flag.withDescription("Where the DNS node listens on 127.0.0.1; 0 lets the system choose (default 5300)"),
    Flag.withDefault(5300)
  ),
  httpPort: Flag.Int("http-port").pipe(
    Flag.withDescription(
      "Where the status page and the API listen on 127.0.0.1; 0 lets the system choose (default 6100)"
    ),
    Flag.withDefault(6100)
  )
}, ({ dnsPort, exit, httpPort, json }) => {
  const story = Effect.gen(function*() {
    const addresses = yield* DemoAddresses
    if (!json) yield* Console.log(introText(addresses, paint))
    yield* exit ? once(json) : forEver
  }).pipe(
    Effect.provide(liveWorld({ dnsPort, httpPort })),
    Effect.catchReason("DnsError", "CannotListen", cannotListen("the DNS node", "--dns-port")),
    Effect.catchReason("HttpError", "CannotListen", cannotListen("the status page", "--http-port")),
    Effect.tapError((error) =>
      json
        ? Console.log(JSON.stringify(
          error._tag === "MissingStep"
            ? { result: "missing", step: error.step, problem: error.problem }
            : { result: "failed", problem: error.message }
        ))
        : Effect.void
    ),
    toUserError
  )
  // Its terminal closes: it has no documents of an operator to read again.
  return exit ? story : service(story, { hangup: "stop" })
}).pipe(
  Command.validate(({ exit, json }) =>
    json && !exit
      ? Effect.fail(new CliError.ValidationError({ message: "--json needs --exit" }))
      : Effect.void
  ),
  Command.withDescription(
    "Runs a whole network in one process: three monitors, a DNS node, a collator and five members, and tells the story of an outage live. Linux only: the members listen on 127.0.1.1 to 127.0.1.5."
  ),
  Command.withExamples([
    { command: "geodns demo", description: "Watch, and try things out meanwhile" },
    { command: "geodns demo --exit --json", description: "Play it once, for scripts" }
  ])
)
