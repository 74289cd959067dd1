import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../http/LogEvent.ts"
import { eventStream } from "../eventStream.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import {
  askRemote,
  explainFailure,
  type Remote,
  remote,
  remoteFlags,
  remoteHelp,
  type RemoteProblem
} from "../remote.ts"
import { service } from "../service.ts"
import { logLine } from "../text/logText.ts"
import { momentBehind, momentForms, readMoment } from "../text/moment.ts"

type Kinds = ReadonlySet<LogEvent["_tag"]>

const outcomes: ReadonlyArray<LogEvent["_tag"]> = ["Decided", "Rejected", "Override"]

const bootOf = (node: Remote) => Effect.map(askRemote(node, (client) => client.status()), (status) => status.node.boot)

/** What the node has now. */
const backlog = (node: Remote) =>
  eventStream(node, { follow: false, after: undefined }).pipe(
    Stream.runCollect,
    Effect.timeout("10 seconds"),
    Effect.catch((error) => Effect.flatMap(explainFailure(node, error), Effect.fail))
  )

/** What comes after an event of a process of the node. */
interface Place {
  readonly boot: string
  readonly after: number
}

/**
 * Shows what comes, for ever. A node that goes away is asked again and again, and goes on where it was; one that was
 * restarted counts its events anew.
 */
const follow = Effect.fnUntraced(function*(
  node: Remote,
  start: Place,
  show: (event: LogEvent) => Effect.Effect<void>
): Effect.fn.Return<never, RemoteProblem, HttpClient.HttpClient> {
  let place = start
  let lost = false
  const session = Effect.gen(function*() {
    const boot = yield* bootOf(node)
    if (lost) yield* Console.error(paint.good(`${node.url} answers again`))
    lost = false
    if (boot !== place.boot) {
      yield* Console.error(paint.dim(`${node.url} was restarted: what it has since then follows`))
      place = { boot, after: 0 }
    }
    yield* eventStream(node, { follow: true, after: place.after }).pipe(
      Stream.runForEach((event) => {
        place = { boot, after: event.id }
        return show(event)
      }),
      Effect.catch((error) => Effect.flatMap(explainFailure(node, error), Effect.fail))
    )
  })
  const again = (problem: RemoteProblem) => {
    if (!problem.transient) return Effect.fail(problem)
    const first = !lost
    lost = true
    return first
      ? Console.error(paint.bad(`lost ${node.url} (${problem.message}); trying again every 2 seconds`))
      : Effect.void
  }
  return yield* session.pipe(
    Effect.catch(again),
    Effect.andThen(Effect.sleep("2 seconds")),
    Effect.forever
  )
})

export const log = Command.make("log", {
  ...remoteFlags,
  follow: Flag.Boolean("follow").pipe(
    Flag.withAlias("f"),
    Flag.withDescription("Show what comes, too, until Ctrl-C; goes on where it was when the node was away"),
    Flag.withDefault(false)
  ),
  lines: Flag.Int("lines").pipe(
    Flag.withAlias("n"),
    Flag.withDescription("Show at most this many of what was (default 50)"),
    Flag.filter((lines) => lines >= 0, () => "0 or more"),
    Flag.withDefault(50)
  ),
  since: Flag.String("since").pipe(
    Flag.withMetavar("time"),
    Flag.withDescription(`Leave out what is older: ${momentForms}`),
    Flag.filterMap(readMoment, () => `a time: ${momentForms}`),
    Flag.optional
  ),
  votes: Flag.Boolean("votes").pipe(Flag.withDescription("Show votes, too"), Flag.withDefault(false)),
  all: Flag.Boolean("all").pipe(
    Flag.withAlias("a"),
    Flag.withDescription("Show everything: proposals and votes, too"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print each event as JSON on a line of its own"),
    Flag.withDefault(false)
  )
}, (options) =>
  toUserError(
    Effect.gen(function*() {
      const node = yield* remote(options)
      const now = yield* Clock.currentTimeMillis
      const kinds: Kinds = new Set([
        ...outcomes,
        ...options.votes || options.all ? ["Voted" as const] : [],
        ...options.all ? ["Proposed" as const] : []
      ])
      const since = Option.match(options.since, {
        onNone: () => Number.NEGATIVE_INFINITY,
        onSome: (moment) => momentBehind(moment, now)
      })
      const show = (event: LogEvent) =>
        kinds.has(event._tag)
          ? Console.log(options.json ? JSON.stringify(event) : logLine(event, paint))
          : Effect.void
      const boot = options.follow ? yield* bootOf(node) : ""
      const events = yield* backlog(node)
      const wanted = events.filter((event) => kinds.has(event._tag) && Date.parse(event.at) >= since)
      for (const event of wanted.slice(Math.max(0, wanted.length - options.lines))) yield* show(event)
      if (options.follow) yield* service(follow(node, { boot, after: events.at(-1)?.id ?? 0 }, show))
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )).pipe(
    Command.withDescription(
      `Shows what the cluster decided, as one node saw it: decisions with their votes, rejections and overrides. A node has its last events; they are gone when it restarts. ${remoteHelp}`
    ),
    Command.withShortDescription("Decisions as they come"),
    Command.withExamples([
      { command: "geodns log --follow", description: "Decisions as they come" },
      { command: "geodns log --all --since 1h --lines 200", description: "The last hour, with proposals and votes" },
      { command: "geodns log --json --lines 0 --follow", description: "Only what comes, for a program" }
    ])
  )
