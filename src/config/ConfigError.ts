import * as Schema from "effect/Schema"
import { describeProblem, Problem } from "./Problem.ts"

/** The node cannot start with this configuration. It names every problem of the documents that are to blame. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  /** The local document, fit to be shown. */
  path: Schema.String,
  problems: Schema.Array(Problem)
}) {
  override get message(): string {
    return [
      `the configuration of ${this.path} cannot be used:`,
      ...this.problems.map((problem) =>
        `  ${describeProblem(problem)}${problem.severity === "warning" ? " [warning]" : ""}`
      )
    ].join("\n")
  }
}
