import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import { randomUUID } from "node:crypto"
import { type Board, type Channel, isBoard, labelOf } from "../../alerts/AlertChannel.ts"
import { AlertError } from "../../alerts/AlertError.ts"
import { type AlertThread, messageOf } from "../../alerts/AlertThread.ts"
import { channelsOf } from "../../alerts/channelsOf.ts"
import { Config } from "../../config/Config.ts"
import { Documents } from "../../config/Documents.ts"
import { suggestion } from "../../config/nearest.ts"
import type { Catalog } from "../../domain/Catalog.ts"
import type { Outage } from "../../domain/Outage.ts"
import { Conditions } from "../../node/Conditions.ts"
import { DurableFiles } from "../../node/DurableFiles.ts"
import { storesOf } from "../../roles/stores.ts"
import { AlertStore } from "../../store/AlertStore.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { localDocument } from "../localDocument.ts"
import { paint } from "../paint.ts"
import { plain } from "../text/plain.ts"

/** What a channel may take for one message. */
const patience = "30 seconds"

const openThread = (outage: Outage): AlertThread => ({ outage, state: "open", delivered: {} })

/** No `site`: rules of an Alertmanager may hold back what else is known of a member whose site is down. */
const testOutage = (member: string, now: number): Outage => ({
  id: `test-${randomUUID()}`,
  target: { checkType: "endpoint", check: "TEST", member, domain: "", endpoint: "", ipv6: false },
  start: now,
  end: undefined,
  error: "This is a test of the alerts. Nothing is down",
  data: null,
  votes: {},
  blip: false
})

/** Tells a channel that something is down and, at once, that it is over; a board shows it until it ends by itself. */
const tryOut = Effect.fnUntraced(function*(channel: Channel | Board, outage: Outage) {
  if (isBoard(channel)) return yield* channel.show([{ outage, state: "open", severity: "warning", isTest: true }])
  const receipt = yield* channel.deliver(messageOf([openThread(outage)], "opened", { isTest: true }))
  const over: AlertThread = { outage: { ...outage, end: outage.start + 1_000 }, state: "resolved", delivered: {} }
  yield* channel.deliver(
    messageOf([over], "resolved", { receipt: typeof receipt === "string" ? receipt : undefined, isTest: true })
  )
})

/** What came of it for one channel. `channel` is what deliveries are remembered by, `name` what people call it. */
interface Outcome {
  readonly channel: string
  readonly name: string
  readonly state: "ok" | "failed" | "not set"
  readonly problem?: string
}

const outcomeOf = Effect.fnUntraced(function*(channel: Channel | Board, outage: Outage): Effect.fn.Return<Outcome> {
  const of = { channel: channel.name, name: labelOf(channel) }
  if (!isBoard(channel) && channel.isSet !== undefined && !(yield* channel.isSet)) return { ...of, state: "not set" }
  return yield* tryOut(channel, outage).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.fail(
          new AlertError({ channel: channel.name, problem: `no answer within ${patience}`, isRetryable: true })
        )
    }),
    Effect.match({
      onSuccess: () => ({ ...of, state: "ok" as const }),
      onFailure: ({ problem }) => ({ ...of, state: "failed" as const, problem })
    })
  )
})

/** The store of the document, so that the session of a channel is that of the node; none when there is none yet. */
const storeOf = (config: string) =>
  Layer.build(storesOf(config)).pipe(
    Effect.map((context) => Context.get(context, AlertStore)),
    Effect.catchCause(() => Effect.undefined)
  )

/** Nothing is to stay behind: no device of an account that nobody uses again. */
const release = (channels: ReadonlyArray<Channel | Board>) =>
  Effect.forEach(
    channels,
    (channel) =>
      isBoard(channel) || channel.release === undefined
        ? Effect.void
        : Effect.catch(
          channel.release,
          ({ problem }) =>
            Console.error(paint.bad(`Warning: ${labelOf(channel)}: the test could not log out: ${plain(problem)}`))
        ),
    { discard: true }
  )

const unknownMember = (name: string, catalog: Catalog): string => {
  const names = catalog.members.map((member) => member.name)
  const hint = names.length === 0
    ? "the members document has none"
    : suggestion(name, names) ?? `it has ${counted(names.length, "member")}`
  return `--member ${JSON.stringify(name)}: the members document has no such member; ${hint}. Nothing was sent`
}

const test = Effect.fnUntraced(function*(config: string, member: Option.Option<string>) {
  const { current } = yield* Config
  const { catalog, local } = yield* current
  const named = Option.map(member, (name) => catalog.member(name)?.name)
  if (Option.isSome(named) && named.value === undefined) {
    const userMessage = unknownMember(Option.getOrElse(member, () => ""), catalog)
    return yield* new CliError.UserError({ cause: named, userMessage })
  }
  const about = Option.getOrUndefined(named) ?? "geodns alerts test"
  const outage = testOutage(about, yield* Clock.currentTimeMillis)
  const channels = channelsOf(local, yield* storeOf(config), current)
  return yield* Effect.forEach(channels, (channel) => outcomeOf(channel, outage), { concurrency: 4 }).pipe(
    Effect.ensuring(release(channels))
  )
}, Effect.scoped)

const line = ({ name, problem = "", state }: Outcome): string => {
  const shown = plain(name)
  switch (state) {
    case "ok":
      return `${paint.good("ok  ")} ${shown}`
    case "failed":
      return `${paint.bad("FAIL")} ${shown}: ${plain(problem)}`
    case "not set":
      return `${paint.dim("-   ")} ${shown}: not set`
  }
}

export const alertsTest = Command.make(
  "test",
  {
    config: localDocument,
    member: Flag.String("member").pipe(
      Flag.withDescription("The member that the test is about, by its key or name, so that its people are called"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
  },
  Effect.fn(function*({ config, json, member }) {
    const results = yield* toUserError(
      test(config, member).pipe(
        Effect.provide(
          Config.layer({ path: config, uses: ["Matrix", "Alerts"] }).pipe(
            Layer.provide([Documents.layer, DurableFiles.layerMemory, Conditions.layer])
          )
        ),
        // What went wrong is said below.
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    )
    yield* Console.log(json ? JSON.stringify({ channels: results }) : results.map(line).join("\n"))
    const failed = results.filter(({ state }) => state === "failed").length
    if (failed > 0) {
      const tried = results.filter(({ state }) => state !== "not set").length
      return yield* new CliError.UserError({
        cause: results,
        userMessage: `${failed} of ${tried} channels did not take the test`
      })
    }
  })
).pipe(
  Command.withDescription(
    "Sends a test through every channel of the local document: that it is one, and that it is over. An Alertmanager shows it for six minutes. Exits with 1 if any channel does not take it, or if there is no such member."
  ),
  Command.withExamples([
    { command: "geodns alerts test --config collator.json", description: "Every channel" },
    {
      command: 'geodns alerts test --config collator.json --member "Rhine Networks"',
      description: "And call the people of a member"
    }
  ])
)
