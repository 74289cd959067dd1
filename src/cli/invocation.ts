import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import type * as Layer from "effect/Layer"

/** The exit code when the command line could not be understood. */
export const usageExitCode = 2

/** Whether a failure is that the command line could not be understood. */
export const isUsageError = (error: unknown): error is CliError.ShowHelp =>
  CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0

/** What is wrong with a command line is said, and how to get help; the help itself would push it off the screen. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        [
          ...event.errors.map(({ message }) => `${event.commandPath.join(" ")}: ${message}`),
          "",
          `Usage: ${event.helpDoc.usage}`,
          `Run '${event.commandPath.join(" ")} --help' for what it can do.`
        ].join("\n")
      )
      : CliOutput.defaultPresenter.present(event)
}

/** How a wrong command line is answered. */
export const layer: Layer.Layer<never> = CliOutput.layerPresenter(presenter)
