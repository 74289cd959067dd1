import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { findSyntaxProblem } from "./jsonSyntax.ts"
import { suggestion } from "./nearest.ts"
import { formatPath, type Problem } from "./Problem.ts"
import { type Setting, settingsOf, variablePrefix } from "./settings.ts"

/** One variable of the environment, or of whatever else the fiber's `ConfigProvider` reads. Undefined when it is unset or empty. */
export const readVariable = (name: string): Effect.Effect<string | undefined> =>
  Effect.flatMap(ConfigProvider.ConfigProvider, (provider) => provider.load([name])).pipe(
    Effect.map((node) => node?.value === "" ? undefined : node?.value),
    // A source that cannot be read says nothing, and the variable is reported as missing.
    Effect.catch(() => Effect.succeed(undefined))
  )

/** A setting that the environment gives, as it would stand in the document. */
export interface Given {
  readonly path: ReadonlyArray<string>
  readonly value: unknown
  readonly variable: string
}

/** Variables with our prefix that are no settings: the command line reads them. */
const ofTheCommand: ReadonlySet<string> = new Set(
  ["CONFIG", "NODE", "KEY", "LOG_FORMAT"].map((name) => `${variablePrefix}_${name}`)
)

/** Every setting that the environment gives, and what is wrong with it. */
export const readEnvironment: Effect.Effect<
  { readonly given: ReadonlyArray<Given>; readonly problems: ReadonlyArray<Problem> }
> = Effect.gen(function*() {
  const given: Array<Given> = []
  const problems: Array<Problem> = []
  const known = new Set<string>()
  for (const setting of settingsOf()) {
    const { variable } = setting
    if (variable === undefined) continue
    known.add(variable)
    const text = yield* readVariable(variable)
    if (text === undefined) continue
    const value = parse(setting, text)
    if (value === undefined) {
      problems.push({
        severity: "error",
        document: "local",
        path: formatPath(setting.path),
        expected: `${setting.type} as JSON in ${variable}`,
        found: "a text that is no JSON, and is not shown",
        hint: `as ${setting.type === "list" ? `'["…"]'` : `'{"key": …}'`}`
      })
    } else given.push({ path: setting.path, value: value.value, variable })
  }
  for (const name of yield* names) {
    if (known.has(name) || ofTheCommand.has(name)) continue
    const hint = suggestion(name, known)
    problems.push({
      severity: "warning",
      document: "local",
      path: "",
      expected: `no variable ${name.slice(0, 100)}, as there is no such setting`,
      found: "one in the environment",
      ...(hint === undefined ? {} : { hint })
    })
  }
  return { given, problems }
})

/** The text of a variable as it would stand in the document. What does not fit stays a text, and decoding says so. */
const parse = (setting: Setting, text: string): { readonly value: unknown } | undefined => {
  switch (setting.kind) {
    case "text":
      return { value: text }
    case "number":
      return { value: /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text }
    case "boolean":
      return { value: text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : text }
    case "text or json":
      return /^\s*[{[]/.test(text) ? parseJson(text) : { value: text }
    case "json":
      return parseJson(text)
  }
}

const parseJson = (text: string): { readonly value: unknown } | undefined =>
  findSyntaxProblem(text) === undefined ? { value: JSON.parse(text) as unknown } : undefined

/** How deep a provider is looked into for names, and how many names are looked at. */
const maxDepth = 24
const maxNames = 1_000

/** The names of the variables with our prefix. A provider of the environment has them split at each `_`. */
const names: Effect.Effect<ReadonlyArray<string>> = Effect.gen(function*() {
  const provider = yield* ConfigProvider.ConfigProvider
  const found: Array<string> = []
  const visit = (path: ReadonlyArray<string>, depth: number): Effect.Effect<void, ConfigProvider.SourceError> =>
    Effect.gen(function*() {
      const node = yield* provider.load(path)
      if (node === undefined || found.length >= maxNames) return
      if (path.length > 0 && node.value !== undefined) found.push(path.join("_"))
      const keys = node._tag === "Record"
        ? [...node.keys]
        : node._tag === "Array"
        ? Array.from({ length: Math.min(node.length, maxNames) }, (_, i) => String(i))
        : []
      for (const key of keys) {
        const ours = path.length > 0 || key === variablePrefix || key.startsWith(`${variablePrefix}_`)
        if (ours && depth < maxDepth) yield* visit([...path, key], depth + 1)
      }
    })
  yield* Effect.catch(visit([], 0), () => Effect.void)
  return found
})
