import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { accessSync, constants, statSync } from "node:fs"
import { isIPv6 } from "node:net"
import { delimiter, join } from "node:path"
import { optionNames, Positive, readOptions } from "../options.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"
import { step } from "../ProbeTrace.ts"
import { type Ended, runProgram } from "./childProcess.ts"
import { trouble, troubleOf } from "./dial.ts"
import { type Dialect, dialectOf, judgePings, measured, pingArguments, readComplaint, readPings } from "./pingOutput.ts"

const whole = (minimum: number, maximum: number) =>
  Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const Options = Schema.Struct({
  /** 3 when missing. */
  PingCount: whole(1, 100),
  /** Milliseconds between two; 100 when missing. */
  PingInterval: whole(2, 60_000),
  /** Milliseconds for an answer; 1000 when missing. */
  PingTimeout: whole(1, 60_000),
  /** Bytes of the payload; 32 when missing. Times need 16. */
  PingSize: whole(16, 65_000),
  /** 64 when missing. */
  PingTTL: whole(1, 255),
  /** Percent; 5 when missing. */
  MaxPacketLoss: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  /** Milliseconds on average; 800 when missing. */
  MaxLatency: Schema.optionalKey(Positive)
})

/** Where a program is, as a shell would find it. */
const find = (program: string): string | undefined =>
  (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "").map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return statSync(path).isFile()
      } catch {
        return false
      }
    })

const missing = "this machine has no ping command: install iputils-ping or what has it, or disable the check"

const unable = (problem: string): ProbeResult => ({ up: undefined, error: problem, data: null })

/**
 * Succeeds when the member answers enough echo requests fast enough on average: by the `ping` of the system, as Node has no
 * ICMP. Data as in v2. PingTimeout × PingCount is how long it may take in all, as in v2, if the deadline of the check is not
 * before.
 */
export const makePing = (): Probe => {
  /** The program and its dialect, once it has been asked. */
  let known: { readonly path: string; readonly dialect: Dialect } | undefined

  const lookUp = Effect.fnUntraced(function*(path: string) {
    if (known?.path === path) return known.dialect
    const { errors, failed, output } = yield* runProgram(path, ["-V"], 1_000)
    const dialect = dialectOf(output + errors)
    if (failed === undefined) known = { path, dialect }
    return dialect
  })

  return {
    ...probeKinds.ping,
    options: optionNames(Options),
    unusable: () => find("ping") === undefined ? missing : undefined,
    prepare: (raw) =>
      Result.map(readOptions(Options, raw), (options) => {
        const count = options.PingCount ?? 3
        const bounds = { maxPacketLoss: options.MaxPacketLoss ?? 5, maxLatency: options.MaxLatency ?? 800 }
        const judge = ({ errors, failed, output }: Ended): ProbeResult => {
          if (failed !== undefined) return { ...troubleOf(failed), data: null }
          const pings = readPings(output, count)
          if (pings.times.length === 0) {
            const complaint = readComplaint(errors)
            if (complaint === "ours") return unable("this node may not send pings: ping needs CAP_NET_RAW or setuid")
            if (complaint === "no route") return { ...trouble("no route to the member"), data: measured(pings) }
          }
          const data = measured(pings)
          const error = judgePings(data, bounds)
          return { up: error === "", error, data }
        }
        return Effect.fnUntraced(function*({ address, check }) {
          const path = find("ping")
          if (path === undefined) return unable(`the check ${check.name} does not run: ${missing}`)
          const dialect = yield* lookUp(path)
          const timeout = options.PingTimeout ?? 1_000
          const within = Math.min(timeout * count, 0.9 * check.timeout)
          const ended = yield* step(
            "ping",
            runProgram(
              path,
              pingArguments(dialect, {
                address,
                isIPv6: isIPv6(address),
                count,
                interval: options.PingInterval ?? 100,
                timeout,
                within,
                size: options.PingSize ?? 32,
                ttl: options.PingTTL ?? 64
              }),
              within
            )
          )
          return judge(ended)
        })
      })
  }
}
