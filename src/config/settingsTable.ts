import { type Setting, settingsOf } from "./settings.ts"

const escape = (text: string): string => text.replaceAll("|", "\\|")

/** `Checks[].Name`, `GeoDNS.Checks.*.Probe`. */
const nameOf = ({ path }: Setting): string => path.join(".").replaceAll(".[]", "[]")

const defaultOf = ({ default: value, required, secret }: Setting): string =>
  required ? "required" : value === undefined || secret ? "" : `\`${JSON.stringify(value)}\``

/** The settings of the local document as a table in Markdown, for the documentation. */
export const settingsTable = (): string =>
  [
    "| setting | value | default | variable | restart | what for |",
    "|---|---|---|---|---|---|",
    ...settingsOf().map((setting) =>
      `| ${
        [
          `\`${nameOf(setting)}\``,
          `${setting.type}${setting.unit === undefined ? "" : `, ${setting.unit}`}`,
          defaultOf(setting),
          setting.variable === undefined ? "" : `\`${setting.variable}\``,
          setting.restart ? "yes" : "",
          setting.description
        ].map(escape).join(" | ")
      } |`
    )
  ].join("\n")
