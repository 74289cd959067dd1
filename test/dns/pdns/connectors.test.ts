import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, lstatSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { Config } from "../../../src/config/Config.ts"
import type { PdnsBounds } from "../../../src/dns/pdns/bounds.ts"
import { PdnsBackend } from "../../../src/dns/pdns/PdnsBackend.ts"
import { pdnsConf } from "../../../src/dns/pdns/pdnsConf.ts"
import { Conditions } from "../../../src/node/Conditions.ts"
import { eventually } from "../../cli/geodns.ts"
import { fakes, quiet, sampleDocuments, sampleFiles } from "../serving.ts"
import { folder } from "./world.ts"

const backend = (dns: Record<string, unknown>, bounds: Partial<PdnsBounds> = {}) =>
  PdnsBackend.layerWith({ bounds: { drain: 200, ...bounds } }).pipe(
    Layer.provideMerge(fakes()),
    Layer.provideMerge(Layer.mergeAll(
      Config.layerMemory({ ...sampleDocuments, local: { GeoDNS: { Dns: dns } } }),
      sampleFiles,
      Conditions.layerMemory,
      quiet
    ))
  )

const initialize = '{"method":"initialize","parameters":{}}\n'
const lookup = JSON.stringify({
  method: "lookup",
  parameters: { qname: "fixed.demo.example.", qtype: "A", remote: "192.0.2.1", "real-remote": "192.0.2.1/32" }
})
const found = /"content":"192\.0\.2\.77"/

/** A connection to a socket: what came so far, and whether it is closed. */
const dial = (path: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = connect(path)
      const seen = { socket, text: "", isClosed: false }
      socket.setEncoding("utf8").on("data", (text) => seen.text += text)
      socket.on("error", () => {}).on("close", () => seen.isClosed = true)
      await once(socket, "connect")
      return seen
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const until = (what: string, test: () => boolean) =>
  eventually(what, Effect.sync(() => test() ? Option.some(true) : Option.none()), "10 seconds")

const failure = <A, E extends { readonly message: string }, R>(layer: Layer.Layer<A, E, R>) =>
  Effect.map(
    Effect.exit(Effect.scoped(Layer.build(layer))),
    (exit) => Exit.isFailure(exit) ? String(exit.cause) : "it runs"
  )

describe("the Unix socket for PowerDNS", () => {
  it.live("answers line by line, however they come; its file is for owner and group, and goes at the end", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "pdns.sock")
      yield* Effect.gen(function*() {
        assert.strictEqual((yield* PdnsBackend).socket, path)
        assert.strictEqual(lstatSync(path).mode & 0o777, 0o660)
        const one = yield* dial(path)
        for (const byte of initialize) one.socket.write(byte)
        yield* until("an answer to what came in pieces", () => one.text === '{"result":true}\n')
        one.text = ""
        one.socket.write(`${lookup}\n${initialize}nonsense\n\n`.repeat(300))
        yield* until("all answers", () => one.text.split("\n").length === 1_201)
        const lines = one.text.split("\n")
        for (let i = 0; i < 1_200; i += 4) {
          assert.match(lines[i]!, found)
          assert.strictEqual(lines[i + 1], '{"result":true}')
          assert.match(lines[i + 2]!, /^\{"error":/)
          assert.match(lines[i + 3]!, /^\{"error":/)
        }
        // Long answers are taken one after the other, and none is lost.
        const list = '{"method":"list","parameters":{"zonename":"demo.example."}}\n'
        one.text = ""
        one.socket.write(list.repeat(200))
        yield* until("all lists", () => one.text.split("\n").length === 201)
        assert.strictEqual(new Set(one.text.trimEnd().split("\n")).size, 1)
        assert.match(one.text, found)
        // It closes with what was asked answered.
        const two = yield* dial(path)
        two.socket.end(`${lookup}\n`)
        yield* until("the connection closes", () => two.isClosed)
        assert.match(two.text, found)
      }).pipe(Effect.scoped, Effect.provide(backend({ PowerDnsSocket: path })))
      assert.isFalse(existsSync(path))
    }).pipe(Effect.scoped))

  it.live("bounds what a connection can hold: long lines, slow ones, answers not taken, too many connections", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "pdns.sock")
      const bounds = { transfer: 300, connections: 3, requestBytes: 1_000 }
      yield* Effect.gen(function*() {
        const resting = yield* dial(path)
        resting.socket.write(initialize)
        yield* until("it is ready", () => resting.text !== "")

        const long = yield* dial(path)
        long.socket.write(`${initialize}${"x".repeat(1_001)}`)
        yield* until("it is closed", () => long.isClosed)
        assert.match(long.text, /^\{"result":true\}\n\{"error":"a request is longer than 1000 bytes"\}\n$/)

        const slow = yield* dial(path)
        const trickle = setInterval(() => slow.socket.write("x"), 20)
        yield* until("it is closed", () => slow.isClosed)
        clearInterval(trickle)

        const deaf = yield* dial(path)
        deaf.socket.pause()
        deaf.socket.write(`${lookup}\n`.repeat(20_000))
        yield* until("its connection is cut", () => deaf.socket.destroyed || deaf.socket.writableLength === 0)
        deaf.socket.resume()
        yield* until("it is closed", () => deaf.isClosed)

        const others: Array<{ readonly isClosed: boolean; readonly socket: Socket; text: string }> = []
        for (let i = 0; i < 3; i++) others.push(yield* dial(path))
        yield* until("one too many", () => others.some(({ isClosed }) => isClosed))

        // All that time, one that rests was left alone: PowerDNS would lose a question with it.
        resting.text = ""
        resting.socket.write(`${lookup}\n`)
        yield* until("it is answered", () => found.test(resting.text))
      }).pipe(Effect.scoped, Effect.provide(backend({ PowerDnsSocket: path }, bounds)))
    }).pipe(Effect.scoped))

  it.live("replaces a socket that was left behind, and takes none that is in use or no socket", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "pdns.sock")
      // Killed: its socket stays.
      const script = `require("node:net").createServer().listen(${JSON.stringify(path)},()=>console.log("up"))`
      const other = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] })
      yield* Effect.promise(() => once(other.stdout, "data"))
      assert.match(yield* failure(backend({ PowerDnsSocket: path })), /another program answers there/)
      const gone = once(other, "exit")
      other.kill("SIGKILL")
      yield* Effect.promise(() => gone)
      assert.isTrue(existsSync(path))

      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(backend({ PowerDnsSocket: path }), scope)
      const client = yield* dial(path)
      client.socket.write(`${lookup}\n`)
      yield* until("it answers there", () => found.test(client.text))
      // A second one of ours, which leaves the first in peace.
      assert.match(yield* failure(backend({ PowerDnsSocket: path })), new RegExp(`process ${process.pid} `))
      client.text = ""
      client.socket.write(`${lookup}\n`)
      yield* until("the first still answers", () => found.test(client.text))
      yield* Scope.close(scope, Exit.void)

      writeFileSync(path, "somebody's work")
      assert.match(yield* failure(backend({ PowerDnsSocket: path })), /a file that is no socket/)
      assert.match(yield* failure(backend({ PowerDnsSocket: `${path}/x` })), /cannot listen for PowerDNS/)
      assert.match(yield* failure(backend({ PowerDnsSocket: `${path}${"x".repeat(150)}` })), /at most 107 bytes/)
    }).pipe(Effect.scoped))
})

/** One request; gives status, body and the port it was sent from. */
const post = (port: number, body: string, options: object = {}) =>
  Effect.callback<{ readonly status: number; readonly text: string; readonly from: number | undefined }>((resume) => {
    const sent = request({ host: "127.0.0.1", port, path: "/dns", method: "POST", ...options }, (response) => {
      let text = ""
      const from = sent.socket?.localPort
      response.setEncoding("utf8").on("data", (part) => text += part)
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text, from })))
    })
    sent.on("error", (error) => resume(Effect.succeed({ status: 0, text: String(error), from: undefined })))
    sent.end(body)
  })

describe("HTTP for PowerDNS", () => {
  it.live("answers POST /dns alone, keeps connections, gives no keys, and refuses the rest", () =>
    Effect.gen(function*() {
      const keys = join(yield* folder, "keys")
      writeFileSync(keys, "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: c2VjcmV0\n")
      yield* Effect.gen(function*() {
        const { http } = yield* PdnsBackend
        assert.strictEqual(http?.host, "127.0.0.1")
        const port = http!.port
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        const first = yield* post(port, lookup, { agent })
        const second = yield* post(port, lookup, { agent })
        agent.destroy()
        assert.match(first.text, found)
        assert.strictEqual(second.text, first.text)
        assert.strictEqual(second.from, first.from)
        assert.strictEqual(
          (yield* post(port, '{"method":"getDomainKeys","parameters":{"name":"demo.example."}}')).text,
          '{"result":false}'
        )
        assert.match((yield* post(port, "nonsense")).text, /^\{"error":/)
        const status = (body: string, options: object) => Effect.map(post(port, body, options), ({ status }) => status)
        assert.strictEqual(yield* status(lookup, { path: "/" }), 404)
        assert.strictEqual(yield* status("", { method: "GET" }), 405)
        assert.strictEqual(yield* status(lookup, { headers: { origin: "https://elsewhere.test" } }), 403)
        assert.strictEqual(yield* status("x".repeat(20_000), {}), 413)
        assert.match((yield* post(port, lookup)).text, found)
      }).pipe(
        Effect.scoped,
        Effect.provide(backend({ PowerDnsHttp: "127.0.0.1:0", Keys: { "demo.example": keys } }))
      )
    }).pipe(Effect.scoped))

  it.live("answers one request of a connection at a time, so that none holds a heap of long answers", () =>
    Effect.gen(function*() {
      const { http } = yield* PdnsBackend
      const list = JSON.stringify({ method: "list", parameters: { zonename: "demo.example.", domain_id: 1 } })
      const one = `POST /dns HTTP/1.1\r\nhost: x\r\ncontent-length: ${list.length}\r\n\r\n${list}`
      const socket = connect(http!.port, "127.0.0.1")
      let text = ""
      let isClosed = false
      socket.setEncoding("utf8").on("data", (part) => text += part).on("close", () => isClosed = true)
      socket.write(one.repeat(100))
      yield* until("it is closed", () => isClosed)
      assert.strictEqual(text.split("HTTP/1.1 200").length - 1, 1)
      assert.strictEqual(text.split("HTTP/1.1 400").length - 1, 1)
      assert.match(text, /one request at a time/)
    }).pipe(Effect.scoped, Effect.provide(backend({ PowerDnsHttp: "127.0.0.1:0" }))))

  it.live("says what is wrong with an address that is taken, and with keys", () =>
    Effect.gen(function*() {
      const server = createServer().listen(0, "127.0.0.1")
      yield* Effect.promise(() => once(server, "listening"))
      const { port } = server.address() as { port: number }
      assert.match(yield* failure(backend({ PowerDnsHttp: `127.0.0.1:${port}` })), /another process has it/)
      server.close()
      const path = join(yield* folder, "keys")
      const withKeys = backend({ PowerDnsHttp: "127.0.0.1:0", Keys: { "demo.example": path } })
      assert.match(yield* failure(withKeys), /the keys of demo\.example cannot be used/)
      writeFileSync(path, "nonsense")
      assert.match(yield* failure(withKeys), /there is no key in it/)
    }).pipe(Effect.scoped))

  it.live("does nothing when nothing is configured", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* PdnsBackend, { socket: undefined, http: undefined })
    }).pipe(Effect.provide(backend({}))))
})

describe("pdnsConf", () => {
  it("prefers the socket, and reaches an address that stands for all", () => {
    const line = (connection: Parameters<typeof pdnsConf>[0]) =>
      /^remote-connection-string=(.*)$/m.exec(pdnsConf(connection) ?? "")?.[1]
    const http = { host: "::", port: 8053 }
    assert.strictEqual(line({ socket: "/run/geodns/p.sock", http }), "unix:path=/run/geodns/p.sock,timeout=2000")
    assert.strictEqual(
      line({ socket: undefined, http }),
      "http:url=http://[::1]:8053/dns,post=1,post_json=1,timeout=2000"
    )
    assert.isUndefined(line({ socket: undefined, http: undefined }))
    // A comma would end the path.
    assert.isUndefined(line({ socket: "/run/a,b.sock", http }))
  })
})
