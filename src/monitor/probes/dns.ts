import dnsPacket, { type DecodedPacket } from "dns-packet"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomInt } from "node:crypto"
import { createSocket } from "node:dgram"
import { isIPv6 } from "node:net"
import { monotonicMillis } from "../monotonic.ts"
import { ConnectTimeout, connectWithin, optionNames, Positive, readOptions, sayBy } from "../options.ts"
import type { PlannedTarget } from "../PlannedTarget.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"
import { step } from "../ProbeTrace.ts"
import { dialTcp, resultOf, type Trouble, trouble, troubleOf } from "./dial.ts"
import { type DnsDemands, isAnswerTo, judgeDns, noAnswer, readAnswer, recordTypes } from "./dnsAnswer.ts"
import { isTooSmall, tooSmall } from "./Flood.ts"

const Name = Schema.String.check(
  Schema.isPattern(/^(?=.{1,254}$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/, { expected: "a domain name" })
)

const Options = Schema.Struct({
  ConnectTimeout,
  /** What is asked for; the domain of the target when missing. */
  Name: Schema.optionalKey(Name),
  /** `A` when missing. */
  RecordType: Schema.optionalKey(Schema.Literals(recordTypes)),
  /** Records that have to be among those of the answer; any of the type when missing. */
  Expected: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  /** `NOERROR` when missing. */
  ExpectedCode: Schema.optionalKey(Schema.Literals(["NOERROR", "NXDOMAIN", "REFUSED", "SERVFAIL", "NOTAUTH"])),
  /** UDP, and TCP when the answer does not fit, when missing. */
  Protocol: Schema.optionalKey(Schema.Literals(["udp", "tcp"])),
  /** Milliseconds. */
  MaxLatency: Schema.optionalKey(Positive)
})

/** Milliseconds after which a question is sent once more: UDP loses some. */
const resend = 1_000

const decode = (message: Buffer): Effect.Effect<DecodedPacket, Trouble> =>
  Effect.mapError(Effect.fromResult(readAnswer(message)), trouble)

/** Messages that are no answer to the question before nothing more is heard. */
const maxOthers = 256

/** Asks by UDP. What is no answer to the question is not taken for one, so that nobody else can answer. */
const askUdp = Effect.fnUntraced(function*(
  planned: PlannedTarget,
  question: Buffer
): Effect.fn.Return<DecodedPacket, Trouble, Scope.Scope> {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => createSocket(isIPv6(planned.address) ? "udp6" : "udp4").on("error", () => undefined)),
    (socket) => Effect.sync(() => void socket.close())
  )
  let timer: ReturnType<typeof setTimeout> | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => clearTimeout(timer)))
  return yield* Effect.callback<DecodedPacket, Trouble>((resume) => {
    const fail = (problem: Trouble) => resume(Effect.fail(problem))
    const send = () => socket.send(question, (error) => error && fail(troubleOf(error)))
    let others = 0
    socket.on("error", (error) => fail(troubleOf(error)))
    const hear = (message: Buffer): void => {
      const isAnswer = isAnswerTo(message, question)
      if (!isAnswer && ++others <= maxOthers) return
      // More may have come already
      socket.off("message", hear)
      if (isAnswer) resume(decode(message))
      else fail(trouble(noAnswer))
    }
    socket.on("message", hear)
    // A connected socket hears from the member alone, and that nothing listens there
    socket.connect(planned.port, planned.address, () => {
      send()
      timer = setTimeout(send, resend)
    })
  })
})

const askTcp = Effect.fnUntraced(function*(
  planned: PlannedTarget,
  within: number,
  question: Buffer
): Effect.fn.Return<DecodedPacket, Trouble, Scope.Scope> {
  const socket = yield* dialTcp(planned, within)
  return yield* Effect.callback<DecodedPacket, Trouble>((resume) => {
    let bytes = Buffer.alloc(0)
    let pieces = 0
    socket.on("error", (error) => resume(Effect.fail(troubleOf(error))))
    socket.on("close", () => resume(Effect.fail(trouble("connection closed by the member"))))
    const end = (what: Effect.Effect<DecodedPacket, Trouble>): void => {
      resume(what)
      socket.destroy()
    }
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const whole = bytes.length < 2 ? Infinity : 2 + bytes.readUInt16BE(0)
      if (bytes.length >= whole) {
        const message = bytes.subarray(2, whole)
        end(isAnswerTo(message, question) ? decode(message) : Effect.fail(trouble(noAnswer)))
      } else if (isTooSmall(++pieces, 65_536)) end(Effect.fail(trouble(tooSmall)))
    })
    const length = Buffer.alloc(2)
    length.writeUInt16BE(question.length)
    socket.write(Buffer.concat([length, question]))
  })
})

/**
 * Succeeds when the member's name server gives the expected answer. Data: `LatencyMs`, `Code`, `Records`. A site check needs
 * the option `Name`.
 */
export const dns: Probe = {
  ...probeKinds.dns,
  options: optionNames(Options),
  prepare: (raw, checkType) => {
    const read = readOptions(Options, raw)
    const missing = checkType === "site" && raw["Name"] === undefined
      ? ["Name is missing: a site has no domain that could be asked for"]
      : []
    if (Result.isFailure(read)) return Result.fail([...read.failure, ...missing])
    if (missing.length > 0) return Result.fail(missing)
    const options = read.success
    return Result.succeed((planned) =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const start = monotonicMillis(clock)
        const { timeout } = planned.check
        const demands: DnsDemands = {
          name: options.Name ?? planned.host,
          type: options.RecordType ?? "A",
          code: options.ExpectedCode ?? "NOERROR",
          records: [options.Expected ?? []].flat()
        }
        const question = dnsPacket.encode({
          type: "query",
          // Not to be guessed: it is what tells an answer from a forged one
          id: randomInt(65_536),
          flags: dnsPacket.RECURSION_DESIRED,
          questions: [{ type: demands.type, name: demands.name, class: "IN" }]
        })
        const tcp = step("DNS over TCP", askTcp(planned, connectWithin(options, timeout), question))
        const udp = step("DNS over UDP", askUdp(planned, question))
        const asked = options.Protocol === "tcp"
          ? tcp
          : options.Protocol === "udp"
          ? udp
          : Effect.flatMap(udp, (answer) => answer.flag_tc ? tcp : Effect.succeed(answer))
        const answer = yield* asked.pipe(
          Effect.timeoutOrElse({
            duration: sayBy(timeout),
            orElse: () => Effect.fail(trouble("the name server does not answer in time"))
          })
        )
        const LatencyMs = monotonicMillis(clock) - start
        const { code, error, records } = judgeDns(answer, demands)
        const late = LatencyMs > (options.MaxLatency ?? Infinity) ? `slower than ${options.MaxLatency} ms` : ""
        const data = { LatencyMs, Code: code, Records: records }
        return { up: error === "" && late === "", error: error === "" ? late : error, data } satisfies ProbeResult
      }).pipe(Effect.scoped, Effect.catch((problem) => resultOf(problem)))
    )
  }
}
