import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { randomUUID } from "node:crypto"
import { type Board, type Channel, isBoard } from "../../alerts/AlertChannel.ts"
import { AlertError } from "../../alerts/AlertError.ts"
import { type AlertThread, messageOf } from "../../alerts/AlertThread.ts"
import { channelsOf } from "../../alerts/channelsOf.ts"
import { Config } from "../../config/Config.ts"
import { Documents } from "../../config/Documents.ts"
import type { Outage } from "../../domain/Outage.ts"
import { Conditions } from "../../node/Conditions.ts"
import { DurableFiles } from "../../node/DurableFiles.ts"
import { storesOf } from "../../roles/stores.ts"
import { AlertStore } from "../../store/AlertStore.ts"
import { toUserError } from "../failure.ts"
import { localDocument } from "../localDocument.ts"
import { paint } from "../paint.ts"
import { plain } from "../text/plain.ts"

/** What a channel may take for one message. */
const patience = "30 seconds"

const openThread = (outage: Outage): AlertThread => ({ outage, state: "open", delivered: {} })

const testOutage = (member: string, now: number): Outage => ({
  id: `test-${randomUUID()}`,
  target: { checkType: "site", check: "alerts test", member, domain: "", endpoint: "", ipv6: false },
  start: now,
  end: undefined,
  error: "This is a test of the alerts. Nothing is down",
  data: null,
  votes: {},
  blip: false
})

/** Tells a channel that something is down and, at once, that it is over; a board shows it until it ends by itself. */
const tryOut = Effect.fnUntraced(function*(channel: Channel | Board, outage: Outage) {
  if (isBoard(channel)) return yield* channel.show([{ outage, state: "open", severity: "warning" }])
  const receipt = yield* channel.deliver(messageOf([openThread(outage)], "opened"))
  const over: AlertThread = { outage: { ...outage, end: outage.start + 1_000 }, state: "resolved", delivered: {} }
  yield* channel.deliver(messageOf([over], "resolved", { receipt: typeof receipt === "string" ? receipt : undefined }))
})

/** The stores of the document, so that the session of a channel is that of the node; in memory when there are none yet. */
const sessions = (config: string) => Layer.catchCause(storesOf(config), () => AlertStore.layerMemory)

export const alertsTest = Command.make(
  "test",
  {
    config: localDocument,
    member: Flag.String("member").pipe(
      Flag.withDescription("The member that the test is about, so that its people are called"),
      Flag.withDefault("geodns alerts test")
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
  },
  Effect.fn(function*({ config, json, member }) {
    const results = yield* toUserError(
      Effect.gen(function*() {
        const { current } = yield* Config
        const { catalog, local } = yield* current
        const outage = testOutage(catalog.member(member)?.name ?? member, yield* Clock.currentTimeMillis)
        return yield* Effect.forEach(
          channelsOf(local, yield* AlertStore, current),
          (channel) =>
            tryOut(channel, outage).pipe(
              Effect.timeoutOrElse({
                duration: patience,
                orElse: () =>
                  Effect.fail(
                    new AlertError({
                      channel: channel.name,
                      problem: `no answer within ${patience}`,
                      isRetryable: true
                    })
                  )
              }),
              Effect.match({
                onSuccess: () => ({ channel: channel.name, ok: true, problem: undefined }),
                onFailure: ({ problem }) => ({ channel: channel.name, ok: false, problem })
              })
            ),
          { concurrency: 4 }
        )
      }).pipe(
        Effect.provide([
          sessions(config),
          Config.layer({ path: config, uses: ["Matrix", "Alerts"] }).pipe(
            Layer.provide([Documents.layer, DurableFiles.layerMemory, Conditions.layer])
          )
        ]),
        // What went wrong is said below.
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    )
    yield* Console.log(
      json
        ? JSON.stringify({ channels: results })
        : results.map(({ channel, ok, problem }) =>
          ok
            ? `${paint.good("ok  ")} ${plain(channel)}`
            : `${paint.bad("FAIL")} ${plain(channel)}: ${plain(problem ?? "")}`
        ).join("\n")
    )
    const failed = results.filter(({ ok }) => !ok).length
    if (failed > 0) {
      return yield* new CliError.UserError({
        cause: results,
        userMessage: `${failed} of ${results.length} channels did not take the test`
      })
    }
  })
).pipe(
  Command.withDescription(
    "Sends a test through every channel of the local document: that something is down, and that it is over. An Alertmanager shows it for six minutes. Exits with 1 if any channel does not take it."
  ),
  Command.withExamples([
    { command: "geodns alerts test --config collator.json", description: "Every channel" },
    {
      command: 'geodns alerts test --config collator.json --member "Rhine Networks"',
      description: "And call the people of a member"
    }
  ])
)
