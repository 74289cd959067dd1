import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { createSocket } from "node:dgram"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Config } from "../../src/config/Config.ts"
import { ask } from "../../src/dns/DnsClient.ts"
import { DnsServer } from "../../src/dns/DnsServer.ts"
import { PdnsBackend } from "../../src/dns/pdns/PdnsBackend.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { fakes, quiet, sampleDocuments, sampleFiles } from "./serving.ts"

const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-listening-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A port of the loopback that somebody else has, as long as the scope. */
const takenPort = Effect.map(
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createSocket>>((resume) => {
      const socket = createSocket("udp4")
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close())
  ),
  (socket) => socket.address().port
)

/** The embedded server and the backend of PowerDNS as a node has them, with these settings of `GeoDNS.Dns`. */
const node = (dns: Record<string, unknown>) =>
  PdnsBackend.layerWith({ bounds: { drain: 100 } }).pipe(
    Layer.provideMerge(DnsServer.layerWith({ besidePowerDns: true })),
    Layer.provideMerge(fakes()),
    Layer.provideMerge(Layer.mergeAll(
      Config.layerMemory({ ...sampleDocuments, local: { GeoDNS: { Dns: { Listen: "127.0.0.1:0", ...dns } } } }),
      sampleFiles,
      Conditions.layerMemory,
      quiet
    ))
  )

/** There can be no socket: what would be its directory is none. */
const noSocket = "/dev/null/pdns.sock"

/** What is said of places and keys; the samples have a challenge that cannot be read. */
const raised = Conditions.use(({ current }) =>
  Effect.map(
    current,
    (all) => all.filter(({ name }) => /^dns:(listen|keys)/.test(name)).map(({ detail, name }) => `${name}: ${detail}`)
  )
)

const answers = (port: number) =>
  Effect.map(ask({ server: "127.0.0.1", port, name: "demo.example", type: "A" }), ({ rcode }) => rcode)

const isOpen = (path: string) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(path)
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.on("error", () => resume(Effect.succeed(false)))
  })

/** Sockets are real, time is not: waits for what they do. */
const eventually = <R>(test: Effect.Effect<boolean, never, R>) =>
  Effect.gen(function*() {
    for (let i = 0; i < 500; i++) {
      if (yield* test) return true
      yield* Effect.promise(() => new Promise((done) => setTimeout(done, 10)))
    }
    return false
  })

const failure = (dns: Record<string, unknown>) =>
  Effect.map(
    Effect.exit(Effect.scoped(Layer.build(node(dns)))),
    (exit) => Exit.isFailure(exit) ? String(exit.cause) : "it runs"
  )

describe("the places where a node is asked", () => {
  it.effect("are served but for the one that cannot be had, which is tried again", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "later")
      const socket = join(path, "pdns.sock")
      writeFileSync(path, "no directory")
      yield* Effect.gen(function*() {
        const dns = yield* DnsServer
        const pdns = yield* PdnsBackend
        assert.isTrue(dns.isListening())
        assert.strictEqual(yield* answers(dns.port), "NOERROR")
        assert.isUndefined(pdns.socket)
        assert.isDefined(pdns.http)
        assert.match(
          (yield* raised).join(),
          /^dns:listen:powerdns-socket: cannot listen for PowerDNS on .*pdns\.sock: .* tried again every 10 seconds/
        )
        rmSync(path)
        mkdirSync(path)
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(yield* eventually(isOpen(socket)))
        yield* eventually(Effect.map(raised, (all) => all.length === 0))
        assert.deepStrictEqual(yield* raised, [])
      }).pipe(Effect.provide(node({ PowerDnsSocket: socket, PowerDnsHttp: "127.0.0.1:0" })))
      assert.isFalse(yield* isOpen(socket))
    }).pipe(Effect.scoped), 120_000)

  it.effect("are PowerDNS alone as long as another process has the port of the embedded server", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "pdns.sock")
      yield* Effect.scoped(Effect.gen(function*() {
        const port = yield* takenPort
        yield* Effect.gen(function*() {
          const dns = yield* DnsServer
          assert.deepStrictEqual([dns.port, dns.isListening()], [port, false])
          assert.match(
            (yield* raised).join(),
            /^dns:listen:server: cannot listen for DNS on 127\.0\.0\.1:\d+ \(UDP\): another process has it\. /
          )
          assert.isTrue(yield* isOpen(path))
        }).pipe(Effect.provide(node({ Listen: `127.0.0.1:${port}`, PowerDnsSocket: path })))
      }))
    }).pipe(Effect.scoped))

  it.effect("are the embedded server alone as long as PowerDNS cannot be answered", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      assert.strictEqual(yield* answers(port), "NOERROR")
      assert.deepStrictEqual((yield* raised).map((each) => each.split(":", 3).join(":")), [
        "dns:listen:powerdns-socket"
      ])
    }).pipe(Effect.provide(node({ PowerDnsSocket: noSocket }))))

  it.effect("are none: then it does not start, and says why", () =>
    Effect.gen(function*() {
      const port = yield* takenPort
      const Listen = `127.0.0.1:${port}`
      assert.match(
        yield* failure({ Listen }),
        /cannot listen for DNS on 127\.0\.0\.1:\d+ \(UDP\): another process has it/
      )
      assert.match(
        yield* failure({ Listen, PowerDnsSocket: noSocket }),
        /cannot listen for PowerDNS on \/dev\/null\/pdns\.sock: /
      )
    }).pipe(Effect.scoped))
})

describe("keys of zones", () => {
  const keys = (dns: Record<string, unknown>) =>
    Effect.map(raised, (all) => Option.fromNullishOr(all.find((each) => each.startsWith("dns:keys")))).pipe(
      Effect.provide(node(dns))
    )

  it.effect("that nobody signs with are a condition that says what to do", () =>
    Effect.gen(function*() {
      const said = Option.getOrThrow(yield* keys({ Keys: { "Demo.Example.": "/nowhere/demo.key" } }))
      assert.include(said, "GeoDNS.Dns.Keys has keys of demo.example, and nothing is signed")
      assert.include(
        said,
        "GeoDNS.Dns.PowerDnsSocket alone, which is not set. Set it and restart, or take the keys out."
      )
      assert.isTrue(Option.isNone(yield* keys({})))
    }))
})
