import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import dnsPacket from "dns-packet"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { createSocket } from "node:dgram"
import type { Socket } from "node:net"
import { runInTime } from "../../../src/monitor/Prober.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { httpServer, tcpServer } from "../servers.ts"
import { errorAt, type Look, lookAt, targetAt } from "./looks.ts"

/** Nothing here is ended by its deadline, however busy the machine is. */
const timeout = 60_000
const url = "http://rpc.demo.example/"
const http: Look = { probe: "http", url, timeout }
const wss: Look = { probe: "wss", url, timeout, options: { ReadTimeout: 60 } }
const ethrpc: Look = { probe: "ethrpc", url, timeout, options: { ReadTimeout: 60 } }
const tooMuch = "the member sends more than it was asked for"
const tooSmall = "the answer comes in too many pieces"

/** Sends something again and again, as fast as it is taken. */
const pour = (socket: Socket, one: string | Buffer): void => {
  const many = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from(one)))
  const more = () => {
    if (socket.destroyed) return
    if (socket.write(many)) setImmediate(more)
    else socket.once("drain", more)
  }
  more()
}

/** Sends it once something was asked. */
const poursAfter = (first: string, one: string | Buffer) =>
  tcpServer((socket) =>
    void socket.once("data", () => {
      socket.write(first)
      pour(socket, one)
    })
  )

/** A WebSocket that sends frames as soon as it is open: without end, or so many, and then nothing any more. */
const poursFrames = ({ count, first = Buffer.alloc(0), one }: Frames) =>
  tcpServer((socket) =>
    void socket.once("data", (head) => {
      const key = /sec-websocket-key: (.*)\r/i.exec(String(head))![1]
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
      )
      socket.write(first)
      if (count === undefined) pour(socket, one)
      else socket.write(Buffer.concat(Array.from({ length: count }, () => one)))
    })
  )
interface Frames {
  readonly one: Buffer
  readonly first?: Buffer
  readonly count?: number
}
const frame = (opcode: number, text = "") =>
  Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)])

const early = tcpServer((socket) => pour(socket, "HTTP/1.1 103 Early Hints\r\n\r\n"))
const chunks = poursAfter("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")

describe("a member that floods with many small things is left at once, long before the deadline", () => {
  for (const look of [http, wss, ethrpc]) {
    it.live(`${look.probe}: answers before the answer`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* errorAt(yield* early, look), tooMuch)
        const later = yield* poursAfter("", "HTTP/1.1 102 Processing\r\n\r\n")
        assert.strictEqual(yield* errorAt(later, look), tooMuch)
      }).pipe(Effect.provide(Probes.layer)))
  }

  for (const look of [http, ethrpc]) {
    it.live(`${look.probe}: a body in pieces of one byte`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* errorAt(yield* chunks, look), tooSmall)
      }).pipe(Effect.provide(Probes.layer)))
  }

  const frames = {
    pings: { one: frame(9) },
    pongs: { one: frame(10) },
    messages: { one: frame(1, '{"id":99,"result":1}') },
    notifications: { one: frame(1, '{"id":""}') },
    fragments: { one: Buffer.from([0, 0]), first: Buffer.from([1, 0]) }
  }
  for (const [what, sent] of Object.entries(frames)) {
    it.live(`wss: ${what}`, () =>
      Effect.gen(function*() {
        const known = what === "fragments" ? "the member breaks the WebSocket protocol" : tooMuch
        assert.strictEqual(yield* errorAt(yield* poursFrames(sent), wss), known)
        // It is their number
        assert.strictEqual(yield* errorAt(yield* poursFrames({ ...sent, count: 257 }), wss), known)
      }).pipe(Effect.provide(Probes.layer)))
  }

  it.live("it takes no more than 17 early answers, or 5,121 pieces", () =>
    Effect.gen(function*() {
      const then = (text: string) => tcpServer((socket) => void socket.once("data", () => socket.write(text)))
      const early = yield* then("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17))
      for (const look of [http, wss, ethrpc]) assert.strictEqual(yield* errorAt(early, look), tooMuch)
      const pieces = yield* then(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(5_121)}`)
      for (const look of [http, ethrpc]) assert.strictEqual(yield* errorAt(pieces, look), tooSmall)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("but a few of them are nobody's fault", () =>
    Effect.gen(function*() {
      const patient = yield* tcpServer((socket) =>
        void socket.once("data", () => {
          for (let i = 0; i < 16; i++) socket.write("HTTP/1.1 103 Early Hints\r\n\r\n")
          socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
          for (let i = 0; i < 1_000; i++) socket.write("1\r\nx\r\n")
          socket.end("0\r\n\r\n")
        })
      )
      const { data, error } = yield* lookAt(patient, http)
      assert.strictEqual(error, "")
      assert.include(data, { BodyBytes: 1_000 })
    }).pipe(Effect.provide(Probes.layer)))

  it.live("and others are answered meanwhile", () =>
    Effect.gen(function*() {
      const well = yield* httpServer((_, response) => void response.end("ok"))
      const good = yield* targetAt(well, { ...http, timeout: 5_000 })
      const floods = [
        yield* targetAt(yield* early, http),
        yield* targetAt(yield* chunks, http),
        yield* targetAt(yield* poursFrames(frames.pings), wss),
        yield* targetAt(yield* poursFrames(frames.messages), wss)
      ]
      for (const flood of floods) {
        yield* Effect.forkChild(Effect.forever(Effect.andThen(runInTime(flood), Effect.sleep(100))))
      }
      for (let i = 0; i < 10; i++) assert.deepInclude(yield* runInTime(good), { up: true, error: "" })
    }).pipe(Effect.provide(Probes.layer)))
})

afterEach(() => {
  vi.restoreAllMocks()
})

/** An answer with many records: each of them is a pointer to one long name. */
const bomb = (question: Buffer, records: number, id = question.readUInt16BE()): Buffer => {
  const long = Buffer.concat([...Array.from({ length: 126 }, () => Buffer.from([1, 97])), Buffer.from([0])])
  const rest = Buffer.from([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1])
  const pointer = Buffer.from([0xc0 | (question.length >> 8), question.length & 255])
  const head = Buffer.from(question)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(records, 6)
  return Buffer.concat([head, ...Array.from({ length: records }, (_, i) => [i === 0 ? long : pointer, rest]).flat()])
}

/** A name server that answers a question again and again, as long as the scope. */
const udpFlood = (message: (question: Buffer) => Buffer) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly address: string; readonly port: number; readonly close: () => void }>((resume) => {
      const socket = createSocket("udp4").on("error", () => undefined)
      let timer: ReturnType<typeof setInterval> | undefined
      socket.on("message", (question, { address, port }) => {
        const bytes = message(question)
        clearInterval(timer)
        timer = setInterval(() => {
          for (let i = 0; i < 10; i++) socket.send(bytes, port, address, () => undefined)
        }, 1)
      })
      const close = () => {
        clearInterval(timer)
        socket.close()
      }
      socket.bind(0, "127.0.1.7", () =>
        resume(Effect.succeed({ address: "127.0.1.7", port: socket.address().port, close })))
    }),
    ({ close }) =>
      Effect.sync(close)
  )

const tcpAnswer = (answer: (question: Buffer) => Buffer) =>
  tcpServer((socket) =>
    void socket.once("data", (chunk) => {
      const whole = answer(chunk.subarray(2))
      const length = Buffer.alloc(2)
      length.writeUInt16BE(whole.length)
      socket.write(Buffer.concat([length, whole]))
    })
  )

describe("a name server that floods", () => {
  const dns = (options: Look["options"] = {}): Look => ({ probe: "dns", options, timeout })
  const tooMany = "the answer has more than 128 records"

  it.live("with what is no answer to the question: nothing of it is decoded, and soon nothing more is heard", () =>
    Effect.gen(function*() {
      const decode = vi.spyOn(dnsPacket, "decode")
      const others: ReadonlyArray<(question: Buffer) => Buffer> = [
        () => Buffer.from("garbage"),
        (question) => bomb(question, 100, question.readUInt16BE() ^ 1),
        (question) => question,
        (question) => {
          const answer = bomb(question, 1)
          answer[13]! ^= 1
          return answer
        }
      ]
      for (const other of others) {
        const server = yield* udpFlood(other)
        const { error, up } = yield* lookAt(server, dns())
        assert.deepStrictEqual([up, error], [false, "the answer is no DNS, or to another question"])
      }
      assert.strictEqual(decode.mock.calls.length, 0)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("with answers of many records: they are not decoded, by neither protocol", () =>
    Effect.gen(function*() {
      const decode = vi.spyOn(dnsPacket, "decode")
      for (const records of [129, 4_000]) {
        const server = yield* udpFlood((question) => bomb(question, records))
        assert.deepInclude(yield* lookAt(server, dns()), { up: false, error: tooMany })
        const tcp = yield* tcpAnswer((question) => bomb(question, records))
        assert.strictEqual(yield* errorAt(tcp, dns({ Protocol: "tcp" })), tooMany)
      }
      // Wherever they are
      const elsewhere = yield* udpFlood((question) => {
        const bytes = bomb(question, 128)
        bytes.writeUInt16BE(1, 10)
        return bytes
      })
      assert.strictEqual((yield* lookAt(elsewhere, dns())).error, tooMany)
      assert.strictEqual(decode.mock.calls.length, 0)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("with one good answer after the other: one is decoded", () =>
    Effect.gen(function*() {
      const decode = vi.spyOn(dnsPacket, "decode")
      const server = yield* udpFlood((question) => bomb(question, 128))
      assert.strictEqual((yield* lookAt(server, dns())).error, "")
      assert.strictEqual(decode.mock.calls.length, 1)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("over TCP with a message of single bytes", () =>
    Effect.gen(function*() {
      const drips = yield* tcpServer((socket) => {
        const drip = () => {
          if (!socket.destroyed) socket.write("x", () => setImmediate(drip))
        }
        socket.once("data", () => {
          socket.write(Buffer.from([0xff, 0xff]))
          drip()
        })
      })
      assert.strictEqual(yield* errorAt(drips, dns({ Protocol: "tcp" })), tooSmall)
    }).pipe(Effect.provide(Probes.layer)))
})
