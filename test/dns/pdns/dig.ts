import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { binaryOf } from "../../servers/Server.ts"

/** What dig shows of an answer. */
export interface Dug {
  readonly status: string
  readonly flags: string
  /** `name ttl type data`, sorted; signatures shortened to the type that they cover. */
  readonly answer: ReadonlyArray<string>
  readonly authority: ReadonlyArray<string>
  /** `address/source/scope` */
  readonly subnet: string | undefined
  readonly text: string
}

const section = (text: string, name: string): ReadonlyArray<string> =>
  (new RegExp(`;; ${name} SECTION:\\n([^;]*)`).exec(text)?.[1] ?? "").split("\n").filter((line) => line !== "").map(
    (line) => {
      const [owner = "", ttl = "", , type = "", ...data] = line.split(/\s+/)
      return `${owner} ${ttl} ${type} ${type === "RRSIG" ? data[0] : data.join(" ")}`
    }
  ).sort()

/** Asks a server on the loopback with dig, once. */
export const dig = (port: number, ...question: ReadonlyArray<string>): Effect.Effect<Dug> =>
  Effect.callback((resume) => {
    const fixed = ["@127.0.0.1", "-p", `${port}`, "+norec", "+tries=1", "+time=5", "+nocookie"]
    execFile(binaryOf("dig"), [...fixed, ...question], (_error, text) =>
      resume(Effect.succeed({
        status: /status: (\w+)/.exec(text)?.[1] ?? "none",
        flags: /flags: ([a-z ]*);/.exec(text)?.[1] ?? "",
        answer: section(text, "ANSWER"),
        authority: section(text, "AUTHORITY"),
        subnet: /CLIENT-SUBNET: (\S+)/.exec(text)?.[1],
        text
      })))
  })
