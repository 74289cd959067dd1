import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { OverrideStatus } from "../../http/OverrideDocument.ts"
import { rfc3339 } from "../../http/rfc3339.ts"
import { toUserError, wrongUsage } from "../failure.ts"
import { paint } from "../paint.ts"
import { askRemote, remote, remoteFlags, remoteHelp } from "../remote.ts"
import { terminalColumns } from "../terminal.ts"
import { type Moment, momentAhead, momentForms, readMoment } from "../text/moment.ts"
import { endedText, givenText } from "../text/overrideDone.ts"
import { overrideTable } from "../text/overrideText.ts"

type Kind = OverrideStatus["kind"]

const momentFlag = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("time"),
    Flag.withDescription(description),
    Flag.filterMap(readMoment, () => `a time: ${momentForms}`)
  )

const member = Argument.String("member").pipe(Argument.withDescription("The member, by name or key"))

const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why, for everybody who will ask"),
  Flag.filter((text) => text.trim() !== "", () => "a reason that says something")
)

const author = Flag.String("author").pipe(
  Flag.withDescription("Who decided so (default: the user of this machine). The name of the key is kept, too"),
  Flag.optional
)

const json = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))

/** The person who types, as far as the system knows. */
const whoami = Config.String("SUDO_USER").pipe(
  Config.orElse(() => Config.String("USER")),
  Config.orElse(() => Config.String("LOGNAME")),
  Config.option,
  Effect.orDie
)

const authorOf = Effect.fnUntraced(function*(given: Option.Option<string>) {
  const name = Option.isSome(given) ? given : yield* whoami
  return Option.match(name, { onNone: () => ({}), onSome: (author) => author === "" ? {} : { author } })
})

interface Period {
  readonly from?: Moment | undefined
  readonly until?: Moment | undefined
}

/** The period in the words of the API. What ends before it begins, or is over, is a slip that the node need not see. */
const periodOf = Effect.fnUntraced(function*(kind: Kind, { from, until }: Period) {
  const now = yield* Clock.currentTimeMillis
  const begins = from === undefined ? undefined : momentAhead(from, now)
  // `--from 22:00 --until 2h` means two hours of work.
  const ends = until === undefined ? undefined : momentAhead(until, begins ?? now)
  if (ends !== undefined && ends <= (begins ?? now)) {
    return yield* Effect.fail(wrongUsage(
      `${kind} add`,
      `--until ${rfc3339(ends)} is not after ${begins === undefined ? "now" : `--from ${rfc3339(begins)}`}`
    ))
  }
  if (ends !== undefined && ends <= now) {
    return yield* Effect.fail(wrongUsage(`${kind} add`, `--until ${rfc3339(ends)} has passed already`))
  }
  return {
    ...begins !== undefined && { from: rfc3339(begins) },
    ...ends !== undefined && { until: rfc3339(ends) }
  }
})

const give = Effect.fnUntraced(function*(options: {
  readonly kind: Kind
  readonly member: string
  readonly reason: string
  readonly author: Option.Option<string>
  readonly json: boolean
  readonly period: Period
  readonly remote: Parameters<typeof remote>[0]
}) {
  const period = yield* periodOf(options.kind, options.period)
  const payload = {
    kind: options.kind,
    member: options.member,
    reason: options.reason,
    ...period,
    ...yield* authorOf(options.author)
  }
  const given = yield* askRemote(yield* remote(options.remote), (client) => client.overrides.add({ payload }))
  const now = yield* Clock.currentTimeMillis
  yield* Console.log(options.json ? JSON.stringify(given) : givenText(given, now, paint).join("\n"))
})

const endOf = (kind: Kind) =>
  Command.make("end", {
    member,
    reason: Flag.String("reason").pipe(Flag.withDescription("Why it ends"), Flag.optional),
    author,
    json,
    ...remoteFlags
  }, (options) =>
    toUserError(Effect.gen(function*() {
      const payload = {
        kind,
        member: options.member,
        ...Option.isSome(options.reason) && { reason: options.reason.value },
        ...yield* authorOf(options.author)
      }
      const ended = yield* askRemote(yield* remote(options), (client) => client.overrides.end({ payload }))
      yield* Console.log(options.json ? JSON.stringify(ended) : endedText(ended.overrides, paint).join("\n"))
    }))).pipe(
      Command.withDescription(
        `Ends every ${kind} of a member, in force or planned. The member is answered with again when it is up. ${remoteHelp}`
      ),
      Command.withShortDescription(`End every ${kind} of a member`),
      Command.withExamples([
        { command: `geodns ${kind} end "Fuji Hosting" --reason "the work is done"`, description: "Put it back" }
      ])
    )

const listOf = (kind: Kind) =>
  Command.make("list", {
    all: Flag.Boolean("all").pipe(Flag.withDescription("Those that are over, too"), Flag.withDefault(false)),
    json,
    ...remoteFlags
  }, (options) =>
    toUserError(Effect.gen(function*() {
      const list = yield* askRemote(yield* remote(options), (client) => client.overrides.list())
      const overrides = list.overrides.filter((override) =>
        override.kind === kind && (options.all || override.state !== "over")
      )
      if (options.json) return yield* Console.log(JSON.stringify({ overrides }))
      if (overrides.length === 0) {
        return yield* Console.log(
          kind === "override" ? "No member is taken out by hand." : "No maintenance is planned or under way."
        )
      }
      const now = yield* Clock.currentTimeMillis
      yield* Console.log(overrideTable(overrides, { now, room: terminalColumns(), paint }).join("\n"))
    }))).pipe(
      Command.withDescription(
        `Lists the ${kind === "override" ? "overrides" : "maintenances"} that are in force or planned. ${remoteHelp}`
      ),
      Command.withShortDescription(`What is in force or planned`),
      Command.withExamples([{ command: `geodns ${kind} list --all`, description: "Those that are over, too" }])
    )

const addOverride = Command.make("add", {
  member,
  reason,
  until: Flag.optional(momentFlag("until", `When it ends by itself: ${momentForms} (default: when somebody ends it)`)),
  author,
  json,
  ...remoteFlags
}, ({ until, ...options }) =>
  toUserError(give({
    ...options,
    kind: "override",
    period: { until: Option.getOrUndefined(until) },
    remote: options
  }))).pipe(
    Command.withDescription(
      `Takes a member out of service at once, on all nodes. DNS answers leave it out and no monitor checks it until the override ends. A name without another member is answered as if all were down. ${remoteHelp}`
    ),
    Command.withShortDescription("Take a member out of service at once"),
    Command.withExamples([
      {
        command: 'geodns override add "Fuji Hosting" --reason "answers from a stale chain"',
        description: "Until somebody ends it"
      },
      {
        command: 'geodns override add Fuji --reason "switch replaced" --until 2h --config /etc/geodns/dns.json',
        description: "For two hours, with address and key of a node's local document"
      }
    ])
  )

const addMaintenance = Command.make(
  "add",
  {
    member,
    reason,
    from: momentFlag("from", `When it begins: ${momentForms}, or now`),
    until: momentFlag("until", "When it ends: the same, a span counts from the beginning"),
    author,
    json,
    ...remoteFlags
  },
  ({ from, until, ...options }) =>
    toUserError(give({ ...options, kind: "maintenance", period: { from, until }, remote: options }))
).pipe(
  Command.withDescription(
    `Announces that a member will be out of service for a time. It goes out and comes back by itself. ${remoteHelp}`
  ),
  Command.withShortDescription("Announce that a member will be out for a time"),
  Command.withExamples([{
    command: 'geodns maintenance add "Fuji Hosting" --from "2030-05-01 22:00" --until 3h --reason "new disks"',
    description: "Three hours on the first of May, UTC"
  }])
)

export const override = Command.make("override").pipe(
  Command.withDescription("Take members out of service by hand, and put them back"),
  Command.withSubcommands([addOverride, listOf("override"), endOf("override")])
)

export const maintenance = Command.make("maintenance").pipe(
  Command.withDescription("Plan when members are out of service"),
  Command.withSubcommands([addMaintenance, listOf("maintenance"), endOf("maintenance")])
)
