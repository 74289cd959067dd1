import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option } from "effect"
import { CliError, CliOutput, Command } from "effect/cli"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { geodns } from "../../src/cli/command.ts"

const root = resolve(import.meta.dirname, "../..")

const filesOf = (folder: string, ending: string) =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith(ending)).map((name) => join(folder, name))

const files = [...filesOf("docs", ".md"), ...filesOf("deploy/systemd", ".service"), "deploy/Containerfile", "README.md"]

/** Where a command begins, after which what is left of the line are its words. */
const beginnings = [
  // In the code of a document: a line that is a command.
  /^\s*(?:npx )?geodns (?=[a-z-])/,
  // In a unit.
  /^ExecStart=\S+ node (?:--\S+ )*\S+\/main\.js /,
  // In a comment of the container file: the name of the image.
  /^#.* --stop-timeout \d+ geodns /
]

/** The commands that a document shows; a `#` comment after one is cut off. */
const commandsOf = (file: string): ReadonlyArray<string> =>
  readFileSync(join(root, file), "utf8").replaceAll(/\\\n#?/g, " ").split("\n").flatMap((line) => {
    const beginning = beginnings.find((pattern) => pattern.test(line))
    return beginning === undefined ? [] : [line.replace(beginning, "").replace(/\s+#.*$/, "").trim()]
  })

/** The words of a command as a shell would split them, without where its output goes. */
const words = (text: string): ReadonlyArray<string> =>
  [...text.replace(/ > \S+$/, "").matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) =>
    double ?? single ?? bare!
  )

const understood = "understood"

/** The command, of which nothing is ever run: it ends when a command line was understood. */
const parserOnly = Command.validate(
  geodns as unknown as Command.Command<"geodns", {}, {}, never, never>,
  () => Effect.fail(new CliError.ValidationError({ message: understood }))
)

/** What is wrong with a command line; undefined when nothing is. */
const problemOf = (args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Command.runWith(parserOnly, { version: "test" })(args))
    if (Exit.isSuccess(exit)) return undefined
    const error = Cause.squash(exit.cause)
    if (!CliError.isCliError(error) || error._tag !== "ShowHelp") return String(error)
    const problems = error.errors.map(({ message }) => message).filter((message) => message !== understood)
    return problems.length === 0 && error.errors.length > 0
      ? undefined
      : problems.join("; ") || "it is no whole command"
  }).pipe(
    Effect.provide([
      NodeServices.layer,
      CliOutput.layerPresenter({ present: () => Effect.void }) as Layer.Layer<never>
    ])
  )

describe("the commands that documents show", () => {
  it.live("are told from ones that are none", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* problemOf(["status", "--member", "Fuji Hosting"]), undefined)
      assert.include((yield* problemOf(["status", "--membr", "Fuji"]))!, "--membr")
      assert.include((yield* problemOf(["override", "add", "Fuji"]))!, "--reason")
      assert.include((yield* problemOf(["nonsense"]))!, "nonsense")
      assert.deepStrictEqual(words('override add "Fuji Hosting" --until 2h'), [
        "override",
        "add",
        "Fuji Hosting",
        "--until",
        "2h"
      ])
    }))

  it.live("are commands of this version, every one", () =>
    Effect.gen(function*() {
      const wrong: Array<string> = []
      let count = 0
      for (const file of files) {
        for (const text of commandsOf(file)) {
          count++
          const problem = yield* problemOf(words(text))
          if (problem !== undefined) wrong.push(`${file}: geodns ${text}: ${problem}`)
        }
      }
      assert.deepStrictEqual(wrong, [])
      assert.isAbove(count, 25)
    }))

  it.live("are also those of the help", () =>
    Effect.gen(function*() {
      const texts: Array<string> = []
      const visit = (command: Command.Command.Any) => {
        texts.push(...command.examples.map((example) => example.command))
        for (const group of command.subcommands) group.commands.forEach(visit)
      }
      visit(geodns)
      const wrong = yield* Effect.forEach(texts, (text) =>
        Effect.map(problemOf(words(text).slice(1)), (problem) =>
          Option.fromUndefinedOr(problem && `${text}: ${problem}`)))
      assert.deepStrictEqual(wrong.flatMap(Option.toArray), [])
      assert.isAbove(texts.length, 15)
    }))
})
