import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type AlertThread, decodeThread } from "../../alerts/AlertThread.ts"
import { webhooksOf } from "../../alerts/channelsOf.ts"
import { webhookLabel, webhookName } from "../../alerts/webhookChannel.ts"
import { Documents } from "../../config/Documents.ts"
import { readLocal } from "../../config/readDocuments.ts"
import { storesOf } from "../../roles/stores.ts"
import { AlertStore, type DeadLetter } from "../../store/AlertStore.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { localDocument } from "../localDocument.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { spanText, timeText } from "../text/span.ts"
import { table } from "../text/table.ts"
import { familyText, whatText } from "../text/targetText.ts"

const time = (millis: number): string => new Date(millis).toISOString()

/** By the name under which deliveries are remembered: what people call a channel. */
type Names = ReadonlyMap<string, string>

/** Of the webhooks in the document as it is now: one that has gone is known by its host alone. */
const namesOf = (config: string) =>
  readLocal(config).pipe(
    Effect.map((local): Names =>
      new Map(webhooksOf(local).map(({ label = "", url }) => [webhookName(url), webhookLabel(label, url)]))
    ),
    Effect.provide(Documents.layer)
  )

const toldText = (names: Names, { delivered, joined, silenced }: AlertThread): string =>
  [
    ...silenced === undefined ? [] : ["silenced"],
    ...joined === undefined ? [] : ["in a storm"],
    ...Object.entries(delivered).map(([channel, kind]) => `${names.get(channel) ?? channel} ${kind}`)
  ].join(", ") || "nobody yet"

const threadDocument = ({ delivered, joined, outage, silenced, state }: AlertThread) => ({
  outage: outage.id,
  state,
  ...outage.target,
  start: time(outage.start),
  ...outage.end !== undefined && { end: time(outage.end) },
  error: outage.error,
  ...joined !== undefined && { storm: joined },
  ...silenced !== undefined && { silencedBy: silenced },
  delivered
})

const letterDocument = ({ at, message, ...letter }: DeadLetter) => ({
  ...letter,
  at: time(at),
  message: Result.getOrElse(Result.try(() => JSON.parse(message) as unknown), () => message)
})

const options = { title: paint.bold, room: terminalColumns() }

const threadTable = (threads: ReadonlyArray<AlertThread>, names: Names, now: number): ReadonlyArray<string> =>
  table(
    [{ title: "member" }, { title: "what" }, { title: "ip" }, { title: "for", right: true }, { title: "" }, {
      title: "told"
    }],
    threads.map((thread) => [
      { text: thread.outage.target.member },
      { text: whatText(thread.outage.target) },
      { text: familyText(thread.outage.target) },
      { text: spanText((thread.outage.end ?? now) - thread.outage.start) },
      { text: thread.state, paint: thread.state === "open" ? paint.bad : paint.dim },
      { text: toldText(names, thread) }
    ]),
    options
  )

const letterTable = (letters: ReadonlyArray<DeadLetter>, names: Names): ReadonlyArray<string> =>
  table(
    [{ title: "refused" }, { title: "channel" }, { title: "message" }, { title: "why" }],
    letters.map(({ at, channel, key, problem }) => [
      { text: timeText(at) },
      { text: names.get(channel) ?? channel },
      { text: key },
      { text: problem, paint: paint.bad }
    ]),
    options
  )

export const alertsList = Command.make(
  "list",
  {
    config: localDocument,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
  },
  ({ config, json }) =>
    toUserError(
      Effect.gen(function*() {
        const store = yield* AlertStore
        const now = yield* Clock.currentTimeMillis
        const stored = yield* Stream.runCollect(store.unfinished)
        const threads = stored.flatMap(({ thread }) =>
          Result.match(decodeThread(thread), { onFailure: () => [], onSuccess: (one) => [one] })
        ).sort((a, b) => a.outage.start - b.outage.start)
        const letters = yield* store.deadLetters
        const names = yield* namesOf(config)
        if (json) {
          return yield* Console.log(JSON.stringify({
            threads: threads.map(threadDocument),
            deadLetters: letters.map(letterDocument),
            names: Object.fromEntries(names)
          }))
        }
        if (threads.length > 0) yield* Console.log(threadTable(threads, names, now).join("\n"))
        if (letters.length > 0) yield* Console.log(letterTable(letters, names).join("\n"))
        const sum = [
          threads.length === 0 ? "No alert is open or waits" : `${counted(threads.length, "alert")} open or waiting`,
          ...letters.length === 0 ? [] : [`${counted(letters.length, "message")} refused for good`]
        ]
        yield* Console.log(paint.dim(sum.join(", ")))
      }).pipe(Effect.provide(storesOf(config)))
    )
).pipe(
  Command.withDescription(
    "Shows the alerts that are open or wait for a channel, to whom they were told, and messages that a channel refused for good"
  ),
  Command.withExamples([{ command: "geodns alerts list --config collator.json", description: "Of the node's store" }])
)
