import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { checkDocuments } from "../../config/checkDocuments.ts"
import { Documents } from "../../config/Documents.ts"
import { describeProblem, hasErrors, type Problem } from "../../config/Problem.ts"
import { type Agent, previewAgent } from "../../roles/agent.ts"
import { preview } from "../../roles/offline.ts"
import { usedBy, usedByAny } from "../../roles/uses.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { plain } from "../text/plain.ts"
import { init } from "./configInit.ts"
import { schema } from "./configSchema.ts"

const roles = ["monitor", "dns", "collator", "standalone", "agent"] as const
type Role = (typeof roles)[number]

/** What a document would make of the process that it is for. */
interface Made {
  /** What it would do, in a line for each. */
  readonly would: ReadonlyArray<string>
  readonly problems: ReadonlyArray<Problem>
}

const nodeOf = Effect.fnUntraced(function*(file: string, role: Exclude<Role, "agent"> | undefined) {
  const { names, problems, targets, zones } = yield* preview(file, role === undefined ? usedByAny : usedBy[role], role)
  const served = zones.length === 0 ? "no zones" : zones.join(" and ")
  const would = `plans ${counted(targets, "target")}, steers ${counted(names, "name")}, serves ${served}`
  return { would: [would], problems } satisfies Made
})

const noAgent: Problem = {
  severity: "error",
  document: "local",
  path: "GeoDNS.Agent",
  expected: "what the agent looks at, and its Member",
  found: "nothing"
}

const agentText = ({ interval, member, services }: Agent): string =>
  `reports for ${member} every ${interval} s on ${services.length === 0 ? "nothing but itself" : services.join(", ")}`

const agentOf = Effect.fnUntraced(function*(file: string) {
  const made = yield* previewAgent(file)
  return made && {
    would: made.agent === undefined ? [] : [plain(agentText(made.agent))],
    problems: made.problems
  } satisfies Made
})

/** As a process of this role would; without one, as a node, and as an agent if it says something for one. */
const wouldBe = Effect.fnUntraced(function*(file: string, role: Role | undefined) {
  if (role === "agent") return (yield* agentOf(file)) ?? { would: [], problems: [noAgent] }
  const made = yield* nodeOf(file, role)
  const agent = role === undefined ? yield* agentOf(file) : undefined
  if (agent === undefined) return made
  const told = new Set(made.problems.map(describeProblem))
  return {
    would: [...made.would, ...agent.would],
    problems: [...made.problems, ...agent.problems.filter((problem) => !told.has(describeProblem(problem)))]
  }
})

const check = Command.make(
  "check",
  {
    file: Argument.String("file").pipe(Argument.withDescription("The local document: a path or URL")),
    role: Flag.Literals("role", roles).pipe(
      Flag.withDescription(
        "The role that it is for: the secrets, the broker and the database that it needs have to be usable, and what answers DNS has to be able to read its ACME challenges. Left out: the broker and the database that the document names"
      ),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object per problem"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function*({ file, json, role }) {
    const uses = Option.match(role, { onNone: () => usedByAny, onSome: (role) => usedBy[role] })
    const read = yield* checkDocuments(file, { uses })
    const made = hasErrors(read) ? undefined : yield* toUserError(wouldBe(file, Option.getOrUndefined(role)))
    const problems = [...read, ...made?.problems ?? []]
    for (const problem of problems) {
      yield* Console.log(
        json
          ? JSON.stringify(problem)
          : `${problem.severity === "error" ? paint.bad("error  ") : paint.dim("warning")} ${describeProblem(problem)}`
      )
    }
    const errors = problems.filter((problem) => problem.severity === "error").length
    const counts = `${counted(errors, "error")}, ${counted(problems.length - errors, "warning")}`
    if (made === undefined || errors > 0) {
      return yield* new CliError.UserError({ cause: problems, userMessage: `${file}: ${counts}` })
    }
    if (json) return
    yield* Effect.forEach(made.would, (line) => Console.log(line), { discard: true })
    yield* Console.log(paint.good(`${file} can be used: ${counts}`))
  }, Effect.provide(Documents.layer))
).pipe(
  Command.withDescription(
    "Reads a local document and the six that it names, and prints every problem of all of them, and what a node would make of them. Exits with 1 if there is any error."
  ),
  Command.withExamples([
    { command: "geodns config check local.json", description: "Check a set of documents" },
    { command: "geodns config check local.json --role monitor", description: "Check a set of documents for a monitor" }
  ])
)

export const config = Command.make("config").pipe(
  Command.withDescription("Work with configuration documents"),
  Command.withSubcommands([init, check, schema])
)
