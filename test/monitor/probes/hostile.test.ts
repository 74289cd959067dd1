import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { createServer } from "node:net"
import type { Socket } from "node:net"
import { runInTime } from "../../../src/monitor/Prober.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { httpServer, serve, tcpServer, tlsServer } from "../servers.ts"
import { type Look, targetAt } from "./looks.ts"
import { resources, webSocketServer } from "./peers.ts"

const plain = "http://rpc.demo.example/"
const secure = "https://rpc.demo.example/"

/** Each probe that connects, without TLS where it has the choice. */
const looks: ReadonlyArray<Look> = [
  { probe: "http", url: plain },
  { probe: "tcp" },
  { probe: "ssl" },
  { probe: "wss", url: plain },
  { probe: "ethrpc", url: plain },
  { probe: "dns", options: { Protocol: "tcp" } },
  { probe: "http", url: secure },
  { probe: "wss", url: secure },
  { probe: "ethrpc", url: secure }
]

const pour = (socket: Socket): void => {
  const more = () => {
    if (socket.destroyed) return
    if (socket.write("x".repeat(10_000))) setImmediate(more)
    else socket.once("drain", more)
  }
  more()
}

/** What targets do that mean no good. */
const peers = {
  closes: tcpServer((socket) => void socket.end()),
  resets: tcpServer((socket) => void socket.resetAndDestroy()),
  "resets later": tcpServer((socket) => void socket.once("data", () => socket.resetAndDestroy())),
  "closes its half": serve(() =>
    createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => undefined).resume().end())
  ),
  floods: tcpServer(pour),
  "says nonsense": tcpServer((socket) => void socket.write("\u0000\u0001\u0002 nonsense\r\n\r\n")),
  "says no": httpServer((_, response) => void response.writeHead(500).end("no")),
  "lies over WebSocket": webSocketServer((line) => void line.on("message", () => line.send('{"id":1,"result":7}'))),
  "has a bad certificate": tlsServer("expired")
}

/** Waits until no more is taken than before. */
const backTo = (before: number) =>
  Effect.gen(function*() {
    let now = Infinity
    for (let i = 0; i < 500 && now > before; i++) {
      yield* Effect.sleep(10)
      now = yield* resources
    }
    assert.isAtMost(now, before)
  })

describe("targets that hang, flood, reset or lie", () => {
  it.live("leave no socket after 10,000 probes", () =>
    Effect.gen(function*() {
      const before = yield* resources
      let runs = 0
      yield* Effect.scoped(Effect.gen(function*() {
        for (const [name, peer] of Object.entries(peers)) {
          const server = yield* peer
          const targets = yield* Effect.forEach(looks, (look) => targetAt(server, { ...look, timeout: 1_000 }))
          // The cheap ones make up the number
          const rounds = name === "floods" ? 3 : 25
          const many = name === "closes" || name === "resets" ? 4_200 : 0
          const work = [
            ...Array.from({ length: rounds }, () => targets).flat(),
            ...Array.from({ length: many }, (_, i) => targets[i % 2]!)
          ]
          yield* Effect.forEach(work, (planned) =>
            Effect.map(runInTime(planned), ({ error, up }) => {
              runs++
              if (up !== true) assert.match(error, /^.{3,200}$/)
            }), { concurrency: 32 })
          yield* server.drained
        }
      }))
      assert.isAtLeast(runs, 10_000)
      yield* backTo(before)
    }).pipe(Effect.provide(Probes.layer)), 180_000)

  for (const look of looks.filter(({ probe }) => probe !== "tcp")) {
    it.effect(
      `${look.probe} ${look.url ?? ""} is over at its deadline when nothing comes, and closes`,
      () =>
        Effect.gen(function*() {
          const silent = yield* tcpServer(() => undefined)
          const planned = yield* targetAt(silent, { ...look, timeout: 4_000 })
          const looking = yield* Effect.forkChild(runInTime(planned), { startImmediately: true })
          yield* silent.connected
          // The clock of the test stands still: nothing but the deadline ends it
          yield* Effect.yieldNow
          yield* TestClock.adjust(4_000)
          const { error, up } = yield* Fiber.join(looking)
          assert.isFalse(up)
          assert.match(error, /within|in time/)
          yield* silent.drained
        }).pipe(Effect.scoped, Effect.provide(Probes.layer)),
      120_000
    )
  }
})
