import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { nearest } from "../../config/nearest.ts"
import type { StatusDocument } from "../../http/StatusDocument.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { askRemote, type Remote, remote, remoteFlags, remoteHelp } from "../remote.ts"
import { service } from "../service.ts"
import { clearScreen, terminalColumns } from "../terminal.ts"
import { ofMember } from "../text/ofMember.ts"
import { statusText } from "../text/statusText.ts"

/** Exit codes of `--exit-code`, beside 0. 1 and 2 are failures of the command itself. */
const exitCodes = { degraded: 3, down: 4 }

const verdict = ({ conditions, targets }: StatusDocument): number =>
  targets.down > 0 ? exitCodes.down : conditions.total > 0 ? exitCodes.degraded : 0

const fetchStatus = Effect.fnUntraced(function*(node: Remote, member: Option.Option<string>) {
  const document = yield* askRemote(node, (client) => client.status())
  if (Option.isNone(member)) return document
  const found = ofMember(document, member.value)
  if (found !== undefined) return found
  const hint = nearest(member.value, document.members.items.flatMap(({ key, name }) => [name, key]))
  return yield* Effect.fail({
    message: `${node.url} knows no member ${JSON.stringify(member.value)}${
      hint === undefined ? "" : `; did you mean ${JSON.stringify(hint)}?`
    }`
  })
})

const shown = (document: StatusDocument, options: { readonly json: boolean; readonly all: boolean }) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    options.json
      ? JSON.stringify(document)
      : statusText(document, { now, room: terminalColumns(), paint, targets: options.all ? "all" : "down" }).join("\n"))

/** Shows it again and again; a node that does not answer is said once a round, and asked again. */
const watch = (look: Effect.Effect<string, { readonly message: string }>, json: boolean) =>
  look.pipe(
    Effect.flatMap((text) => Console.log(json || terminalColumns() === undefined ? text : clearScreen + text)),
    Effect.catch((error) => Console.error(paint.bad(error.message))),
    Effect.andThen(Effect.sleep("2 seconds")),
    Effect.forever
  )

export const status = Command.make("status", {
  ...remoteFlags,
  member: Flag.String("member").pipe(
    Flag.withAlias("m"),
    Flag.withDescription("Show one member, by name or key, with all of its targets"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the document as JSON"), Flag.withDefault(false)),
  watch: Flag.Boolean("watch").pipe(
    Flag.withAlias("w"),
    Flag.withDescription("Show it again every 2 seconds, until Ctrl-C"),
    Flag.withDefault(false)
  ),
  exitCode: Flag.Boolean("exit-code").pipe(
    Flag.withDescription(
      `Exit with ${exitCodes.down} when a target is down, else with ${exitCodes.degraded} when the node is degraded`
    ),
    Flag.withDefault(false)
  )
}, (options) =>
  toUserError(Effect.gen(function*() {
    const node = yield* remote(options)
    const look = fetchStatus(node, options.member)
    const how = { json: options.json, all: Option.isSome(options.member) }
    if (options.watch) {
      return yield* service(watch(Effect.flatMap(look, (document) => shown(document, how)), options.json))
    }
    const document = yield* look
    yield* Console.log(yield* shown(document, how))
    if (options.exitCode) {
      yield* Effect.sync(() => {
        process.exitCode = verdict(document)
      })
    }
  }))).pipe(
    Command.withDescription(
      `Says how everything is, as one node knows it: members, what is down and who voted so, open proposals, overrides, and what is degraded on the node itself. ${remoteHelp}`
    ),
    Command.withShortDescription("Who is up, what is down, and who voted so"),
    Command.withExamples([
      { command: "geodns status", description: "Ask the node on this machine" },
      { command: 'geodns status --member "Fuji Hosting" --node https://dns-1.example:6100', description: "One member" },
      { command: "geodns status --json --exit-code --config /etc/geodns/monitor.json", description: "For scripts" }
    ])
  )
