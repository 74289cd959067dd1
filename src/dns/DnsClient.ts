import type { DecodedPacket, OptAnswer } from "dns-packet"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { createSocket } from "node:dgram"
import { connect, isIP } from "node:net"
import { formatListenAddress } from "../domain/ListenAddress.ts"
import { writeClientSubnet } from "./ClientSubnet.ts"
import { decodeMessage, encodeMessage } from "./dnsPacket.ts"
import { domainName, nameKey } from "./DomainName.ts"
import { headerBytes, maxUdpBytes, RecordType } from "./protocol.ts"

/** The question cannot be written: no name, type, subnet or address of a server. */
export class BadQuestion extends Schema.TaggedError<BadQuestion>()("BadQuestion", { problem: Schema.String }) {}

/** No answer in time. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", {}) {}

/** The server cannot be reached, or closed the connection; `code` as the system says it. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { code: Schema.String }) {}

/** What came back is no answer to the question. */
export class BadAnswer extends Schema.TaggedError<BadAnswer>()("BadAnswer", { problem: Schema.String }) {}

/** A question was not answered. An answer that says no (`NXDOMAIN`, `REFUSED` …) is an answer. */
export class DnsClientError extends Schema.TaggedError<DnsClientError>()("DnsClientError", {
  /** `address:port` */
  server: Schema.String,
  reason: Schema.Union([BadQuestion, NoAnswer, Unreachable, BadAnswer])
}) {
  override get message(): string {
    switch (this.reason._tag) {
      case "BadQuestion":
        return this.reason.problem
      case "NoAnswer":
        return `${this.server} did not answer in time: is a DNS server there?`
      case "Unreachable":
        return `${this.server} cannot be reached (${this.reason.code}): is a DNS server there?`
      case "BadAnswer":
        return `${this.server} answered with something else: ${this.reason.problem}`
    }
  }
}

/** A question to one server. */
export interface AskOptions {
  /** An IP address. */
  readonly server: string
  readonly port: number
  readonly name: string
  /** `A`, `AAAA` … or `TYPE123`. */
  readonly type: string
  /** `address/bits`: asks for the answer that clients there get (RFC 7871). */
  readonly subnet?: string
  /** TCP alone (true) or UDP alone (false); when missing UDP, and TCP when the answer did not fit. */
  readonly tcp?: boolean
  /** For everything; 2 seconds when missing. */
  readonly timeout?: Duration.Input
}

/** A record of an answer, its data as zone files write it. `ttl` in seconds. */
export interface DnsRecord {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly data: string
}

/** What a server said. */
export interface DnsAnswer {
  /** `NOERROR`, `NXDOMAIN` … */
  readonly rcode: string
  readonly flags: {
    readonly aa: boolean
    readonly tc: boolean
    readonly rd: boolean
    readonly ra: boolean
  }
  readonly answers: ReadonlyArray<DnsRecord>
  readonly authority: ReadonlyArray<DnsRecord>
  readonly additional: ReadonlyArray<DnsRecord>
  /** The client subnet that came back: for how many bits of it the answer holds. */
  readonly subnet: { readonly address: string; readonly source: number; readonly scope: number } | undefined
  readonly transport: "udp" | "tcp"
}

type Reason = DnsClientError["reason"]

const typeNumber = (type: string): number | undefined => {
  const upper = type.toUpperCase()
  const number = RecordType[upper as keyof typeof RecordType] ?? Number(/^TYPE(\d{1,5})$/.exec(upper)?.[1])
  return number <= 65535 ? number : undefined
}

const encodeQuestion = (options: AskOptions, id: number): Buffer | string => {
  const name = options.name === "." ? "." : domainName(options.name)?.text
  if (name === undefined) return `"${options.name.slice(0, 100)}" is no domain name`
  const type = typeNumber(options.type)
  if (type === undefined) return `"${options.type.slice(0, 20)}" is no record type: write A, AAAA … or TYPE123`
  const subnet = options.subnet === undefined ? undefined : writeClientSubnet(options.subnet)
  if (options.subnet !== undefined && subnet === undefined) {
    return `"${options.subnet.slice(0, 60)}" is no network: write it as 203.0.113.0/24`
  }
  if (isIP(options.server) === 0) return `"${options.server.slice(0, 60)}" is no IP address of a server`
  if (!(Number.isInteger(options.port) && options.port > 0 && options.port <= 65535)) {
    return `${options.port} is no port of a server`
  }
  const question = { name, type: `UNKNOWN_${type}` as "A", class: "IN" } as const
  const edns: OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: maxUdpBytes,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: subnet === undefined ? [] : [{ code: 8, data: subnet, ip: undefined }]
  }
  return encodeMessage({ type: "query", id, questions: [question], additionals: [edns] })
}

const quoted = (bytes: Uint8Array): string =>
  `"${
    Buffer.from(bytes).toString("latin1").replace(/["\\]|[^ -~]/g, (c) =>
      c === '"' || c === "\\" ? `\\${c}` : `\\${String(c.charCodeAt(0)).padStart(3, "0")}`)
  }"`

const dataText = (record: { readonly type: string; readonly data: any }): string => {
  const { data, type } = record
  switch (type) {
    case "TXT":
      return data.map(quoted).join(" ")
    case "SOA":
      return [data.mname, data.rname, data.serial, data.refresh, data.retry, data.expire, data.minimum].join(" ")
    case "MX":
      return `${data.preference} ${data.exchange}`
    case "SRV":
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`
    case "CAA":
      return `${data.flags} ${data.tag} ${quoted(Buffer.from(data.value))}`
    case "HINFO":
      return `${quoted(Buffer.from(data.cpu))} ${quoted(Buffer.from(data.os))}`
    default:
      // What has no text of its own is written as RFC 3597, 5 says.
      return typeof data === "string"
        ? data
        : Buffer.isBuffer(data)
        ? `\\# ${data.length} ${data.toString("hex")}`
        : JSON.stringify(data)
  }
}

const records = (section: DecodedPacket["answers"]): ReadonlyArray<DnsRecord> =>
  (section ?? []).flatMap((record) =>
    record.type === "OPT" ? [] : [{
      name: record.name,
      type: String(record.type).replace("UNKNOWN_", "TYPE"),
      ttl: record.ttl ?? 0,
      data: dataText(record)
    }]
  )

const readAnswer = (message: Buffer, transport: "udp" | "tcp"): DnsAnswer => {
  const packet = decodeMessage(message)
  const opt = packet.additionals?.find((record) => record.type === "OPT")
  const subnet = opt?.options.find((option) => option.code === 8)
  const code = (message[3]! & 15) | (opt?.extendedRcode ?? 0) << 4
  return {
    rcode: code === 16 ? "BADVERS" : code > 15 ? `RCODE${code}` : String((packet as { rcode?: string }).rcode),
    flags: { aa: packet.flag_aa, tc: packet.flag_tc, rd: packet.flag_rd, ra: packet.flag_ra },
    answers: records(packet.answers),
    authority: records(packet.authorities),
    additional: records(packet.additionals),
    subnet: subnet !== undefined && "ip" in subnet && subnet.ip !== undefined
      ? { address: subnet.ip, source: subnet.sourcePrefixLength ?? 0, scope: subnet.scopePrefixLength ?? 0 }
      : undefined,
    transport
  }
}

/** A response to what we asked: the same id, and, where there is one, the same question. */
const isAnswerTo = (question: Buffer, message: Buffer): boolean => {
  if (message.length < headerBytes || message.readUInt16BE(0) !== question.readUInt16BE(0)) return false
  if ((message[2]! & 0x80) === 0) return false
  if (message.readUInt16BE(4) === 0) return true
  const end = question.indexOf(0, headerBytes)
  return nameKey(question, headerBytes, end) === nameKey(message, headerBytes, end) &&
    question.compare(message, end, end + 5, end, end + 5) === 0
}

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message

const overUdp = (options: AskOptions, question: Buffer): Effect.Effect<Buffer, Reason> =>
  Effect.acquireUseRelease(
    Effect.sync(() => createSocket(isIP(options.server) === 6 ? "udp6" : "udp4")),
    (socket) =>
      Effect.callback((resume) => {
        socket.on("error", (error) => resume(Effect.fail(new Unreachable({ code: codeOf(error) }))))
        // Connected: the system lets nothing through that others send. What answers another question is not ours.
        socket.on("message", (message) => {
          if (isAnswerTo(question, message)) resume(Effect.succeed(message))
        })
        socket.connect(options.port, options.server, () => socket.send(question))
      }),
    (socket) => Effect.sync(() => socket.close())
  )

const overTcp = (options: AskOptions, question: Buffer): Effect.Effect<Buffer, Reason> =>
  Effect.acquireUseRelease(
    Effect.sync(() => connect(options.port, options.server)),
    (socket) =>
      Effect.callback((resume) => {
        let received = Buffer.alloc(0)
        socket.on("error", (error) => resume(Effect.fail(new Unreachable({ code: codeOf(error) }))))
        socket.on("end", () => resume(Effect.fail(new Unreachable({ code: "closed" }))))
        socket.on("close", () => resume(Effect.fail(new Unreachable({ code: "closed" }))))
        socket.on("data", (bytes) => {
          received = Buffer.concat([received, bytes])
          if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
          const message = received.subarray(2, 2 + received.readUInt16BE(0))
          resume(
            isAnswerTo(question, message)
              ? Effect.succeed(message)
              : Effect.fail(new BadAnswer({ problem: "an answer to another question" }))
          )
        })
        const prefix = Buffer.alloc(2)
        prefix.writeUInt16BE(question.length)
        socket.write(Buffer.concat([prefix, question]))
      }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** Asks one server one question, once. */
export const ask: (options: AskOptions) => Effect.Effect<DnsAnswer, DnsClientError> = Effect.fn("DnsClient.ask")(
  function*(options: AskOptions) {
    const question = encodeQuestion(options, yield* Random.nextIntBetween(0, 65535))
    if (typeof question === "string") return yield* new BadQuestion({ problem: question })
    const over = (transport: "udp" | "tcp") =>
      (transport === "udp" ? overUdp : overTcp)(options, question).pipe(
        Effect.flatMap((message) =>
          Effect.try({
            try: () => readAnswer(message, transport),
            catch: (cause) => new BadAnswer({ problem: cause instanceof Error ? cause.message : String(cause) })
          })
        )
      )
    const answer = yield* over(options.tcp === true ? "tcp" : "udp")
    return answer.flags.tc && options.tcp === undefined ? yield* over("tcp") : answer
  },
  (effect, options) =>
    effect.pipe(
      Effect.timeoutOrElse({
        duration: options.timeout ?? "2 seconds",
        orElse: () => Effect.fail(new NoAnswer())
      }),
      Effect.mapError((reason) =>
        new DnsClientError({ server: formatListenAddress({ host: options.server, port: options.port }), reason })
      )
    )
)
