import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Fiber, Layer, Metric, Scope, Stream } from "effect"
import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { networkInterfaces } from "node:os"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import { Cookies } from "../../src/dns/Cookies.ts"
import { ask as askServer } from "../../src/dns/DnsClient.ts"
import { DnsServer } from "../../src/dns/DnsServer.ts"
import { readAddress } from "../../src/geo/address.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import type { Hit } from "../../src/usage/Usage.ts"
import { ask, message, opt, option, question as qd, read, subnetOption } from "./packets.ts"
import { responsesConformance } from "./Responses.conformance.ts"
import { records, sampleSerial } from "./samples.ts"
import { fakes, overTcp, overUdp, quiet, sampleDocuments, sampleServer, servicesOn } from "./serving.ts"

responsesConformance("UDP", (use) =>
  Effect.gen(function*() {
    const { port } = yield* DnsServer
    // What does not fit over UDP is not asked for in these cases.
    yield* use((packet) => overUdp(port, packet))
  }).pipe(Effect.provide(sampleServer())))

responsesConformance("TCP", (use) =>
  Effect.gen(function*() {
    const { port } = yield* DnsServer
    yield* use((packet) => Effect.map(overTcp(port, [packet]), ([first]) => first))
  }).pipe(Effect.provide(sampleServer())))

/** The SOA serial as the server says it. */
const serialOf = (port: number) =>
  Effect.map(
    askServer({ server: "127.0.0.1", port, name: "demo.example", type: "SOA" }),
    ({ answers }) => Number(answers[0]!.data.split(" ")[2])
  )

const question = (port: number, name: string, type = "A") => askServer({ server: "127.0.0.1", port, name, type })

describe("DnsServer", () => {
  it.live("survives garbage over UDP, and goes on answering", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const response = Buffer.from(ask("demo.example", "A", { id: 1 }))
      response[2]! |= 0x80
      const garbage = [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(11), response]
      const answer = yield* overUdp(port, ...garbage, ask("demo.example", "A", { id: 2 }))
      assert.deepInclude(read(answer), { id: 2, rcode: 0 })
    }).pipe(Effect.provide(sampleServer())))

  it.live("records each steered answer over both transports", () => {
    const hits: Array<Hit> = []
    return Effect.gen(function*() {
      const { port } = yield* DnsServer
      const query = ask("rpc.demo.example", "A", { subnet: subnetOption(1, 24, [203, 0, 113]) })
      yield* overUdp(port, query)
      yield* overTcp(port, [query, query])
      assert.deepStrictEqual(hits.map(({ domain, member }) => [domain, member]), [
        ["rpc.demo.example", "Osaka"],
        ["rpc.demo.example", "Osaka"],
        ["rpc.demo.example", "Osaka"]
      ])
    }).pipe(Effect.provide(sampleServer({ hits })))
  })

  it.live("answers SERVFAIL when steering fails, and goes on", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      assert.strictEqual((yield* question(port, "rpc.demo.example")).rcode, "SERVFAIL")
      assert.strictEqual((yield* question(port, "demo.example")).rcode, "NOERROR")
    }).pipe(Effect.provide(sampleServer({
      choose: () => {
        throw new Error("no table")
      }
    }))))

  it.live("over TCP answers any number of messages in order, however they are cut", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const ids = Array.from({ length: 700 }, (_, i) => i)
      const packets = ids.map((id) => ask(id % 7 === 0 ? "big.demo.example" : "demo.example", "TXT", { id }))
      const answers = yield* overTcp(port, packets, { chunk: 1009 })
      assert.deepStrictEqual(answers.map((answer) => answer.readUInt16BE(0)), ids)
      assert.isFalse(answers.some((answer) => read(answer).tc))
    }).pipe(Effect.provide(sampleServer())))

  it.live("closes a connection that says nothing, or half a message", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      assert.deepStrictEqual(yield* overTcp(port, [], { keepOpen: true }), [])
      const query = ask("demo.example", "A")
      const answers = yield* overTcp(port, [query, Buffer.concat([query, Buffer.alloc(3)]).subarray(0, 40)], {
        keepOpen: true
      })
      assert.isAtLeast(answers.length, 1)
    }).pipe(Effect.provide(sampleServer({ bounds: { idle: 60 } }))))

  it.live("closes a connection over which nonsense comes", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const response = Buffer.from(ask("demo.example", "A"))
      response[2]! |= 0x80
      assert.deepStrictEqual(yield* overTcp(port, [response], { keepOpen: true }), [])
      assert.deepStrictEqual(yield* overTcp(port, [Buffer.alloc(5)], { keepOpen: true }), [])
    }).pipe(Effect.provide(sampleServer())))

  it.live("lets the connection go that has been idle for longest, when there are too many", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const query = ask("demo.example", "A")
      const first = yield* Effect.forkChild(overTcp(port, [query], { keepOpen: true }), { startImmediately: true })
      // Answered over another one: both are open by then, and the first is the older one.
      const [second] = yield* overTcp(port, [query])
      assert.isDefined(second)
      const idle = yield* Effect.forkChild(overTcp(port, [], { keepOpen: true }), { startImmediately: true })
      yield* Fiber.join(first).pipe(Effect.timeout("15 seconds"))
      assert.strictEqual(
        (yield* askServer({ server: "127.0.0.1", port, name: "demo.example", type: "A", tcp: true })).rcode,
        "NOERROR"
      )
      assert.deepStrictEqual(yield* Fiber.join(idle).pipe(Effect.timeout("15 seconds")), [])
    }).pipe(Effect.provide(sampleServer({ bounds: { connections: 1, idle: 20_000 } }))))

  it.live("listens on IPv6, and with [::] on both", () =>
    Effect.gen(function*() {
      if (!Object.values(networkInterfaces()).flat().some((each) => each?.address === "::1")) return
      const { host, port } = yield* DnsServer
      assert.strictEqual(host, "::")
      for (const server of ["::1", "127.0.0.1"]) {
        for (const tcp of [true, false]) {
          const answer = yield* askServer({ server, port, name: "rpc.demo.example", type: "AAAA", tcp })
          assert.strictEqual(answer.answers[0]!.data, "2001:db8:ffff::3")
        }
      }
    }).pipe(Effect.provide(sampleServer({ listen: "[::]:0" }))))

  it.live("listens over UDP alone when TCP is off", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      assert.strictEqual((yield* question(port, "demo.example")).rcode, "NOERROR")
      const error = yield* Effect.flip(
        askServer({ server: "127.0.0.1", port, name: "demo.example", type: "A", tcp: true })
      )
      assert.strictEqual(error.reason._tag, "Unreachable")
    }).pipe(Effect.provide(sampleServer({ tcp: false }))))

  it.live("says where it cannot listen, and what to do", () =>
    Effect.gen(function*() {
      const failure = (listen: string) =>
        Effect.scoped(Layer.build(sampleServer({ listen }))).pipe(
          Effect.flip,
          Effect.map((error) => error.message)
        )
      const udp = createSocket("udp4")
      yield* Effect.callback<void>((resume) => {
        udp.bind(0, "127.0.0.1", () => resume(Effect.void))
      })
      const udpPort = udp.address().port
      assert.include(yield* failure(`127.0.0.1:${udpPort}`), `127.0.0.1:${udpPort} (UDP): another process has it`)
      udp.close()
      const tcp = createServer()
      yield* Effect.callback<void>((resume) => {
        tcp.listen(0, "127.0.0.1", () => resume(Effect.void))
      })
      const { port } = tcp.address() as { readonly port: number }
      assert.include(yield* failure(`127.0.0.1:${port}`), `127.0.0.1:${port} (TCP): another process has it`)
      tcp.close()
      assert.include(yield* failure("192.0.2.1:5353"), "not one of this machine")
      for (const listen of ["localhost:53", "53", ":53", "127.0.0.1:99999", "127.0.0.1"]) {
        assert.include(yield* failure(listen), "write address:port", listen)
      }
    }))

  it.live("frees its port when it stops", () =>
    Effect.gen(function*() {
      const port = yield* Effect.map(DnsServer, ({ port }) => port).pipe(Effect.provide(sampleServer()))
      const again = yield* Effect.map(DnsServer, ({ port }) => port).pipe(
        Effect.provide(sampleServer({ listen: `127.0.0.1:${port}` }))
      )
      assert.strictEqual(again, port)
    }))

  it.live("answers what has come before it stops", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(sampleServer(), scope)
      const { port } = Context.get(context, DnsServer)
      const packets = Array.from({ length: 300 }, (_, id) => ask("big.demo.example", "TXT", { id }))
      const answers = yield* Effect.forkChild(overTcp(port, packets, { keepOpen: true }), { startImmediately: true })
      // Answered over another connection: the first has been read by then.
      yield* overTcp(port, [ask("demo.example", "A")])
      yield* Scope.close(scope, Exit.void)
      const received = yield* Fiber.join(answers)
      assert.deepStrictEqual(received.map((answer) => answer.readUInt16BE(0)), packets.map((_, id) => id))
    }))

  it.live("follows the configuration", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const config = yield* Config
      assert.strictEqual((yield* question(port, "new.demo.example")).rcode, "NXDOMAIN")
      const more = [...sampleDocuments.staticDns!, ...records("new.demo.example A 60 192.0.2.8")]
      yield* setDocuments({ staticDns: more, services: servicesOn(["rpc.demo.example"]) })
      yield* config.reload
      const follows = question(port, "new.demo.example").pipe(
        Effect.repeat({ until: ({ rcode }) => rcode === "NOERROR" }),
        Effect.timeout("15 seconds")
      )
      assert.deepStrictEqual((yield* follows).answers.map(({ data }) => data), ["192.0.2.8"])
      assert.strictEqual((yield* question(port, "fixed.demo.example", "AAAA")).answers.length, 0)
      assert.isAbove(yield* serialOf(port), sampleSerial)
    }).pipe(Effect.provide(sampleServer())))

  it.live("keeps the SOA serial while the data stay, across restarts too", () =>
    Effect.gen(function*() {
      const server = Effect.scoped(
        Effect.flatMap(
          Layer.build(DnsServer.layerWith({ listen: "127.0.0.1:0" })),
          (context) => serialOf(Context.get(context, DnsServer).port)
        )
      )
      const first = yield* server
      assert.isAbove(first, 1_700_000_000)
      assert.strictEqual(yield* server, first)
      yield* setDocuments({ members: {}, staticDns: [...sampleDocuments.staticDns!].reverse() })
      yield* Config.use((config) => config.reload)
      assert.strictEqual(yield* server, first)
      yield* setDocuments({ staticDns: sampleDocuments.staticDns!.slice(1) })
      yield* Config.use((config) => config.reload)
      const changed = yield* server
      assert.isAbove(changed, first)
      assert.strictEqual(yield* server, changed)
      yield* DurableFiles.use((files) => files.write("dns-serial.json", "{ broken"))
      assert.isAtLeast(yield* server, first)
    }).pipe(Effect.provide(
      fakes().pipe(
        Layer.provideMerge(Layer.mergeAll(
          Config.layerMemory(sampleDocuments),
          DurableFiles.layerMemory,
          Conditions.layerMemory,
          quiet
        ))
      )
    )))

  it.live("raises a condition for what it leaves out, and clears it", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const conditions = yield* Conditions
      assert.deepStrictEqual(yield* conditions.current, [])
      const bad = records("bad.demo.example A 60 here\nworse.demo.example LOC 60 there")
      yield* setDocuments({ staticDns: [...sampleDocuments.staticDns!, ...bad] })
      yield* Config.use((config) => config.reload)
      const until = (count: number) =>
        conditions.changes.pipe(
          Stream.filter((all) => all.filter(({ name }) => name === "dns:zones").length === count),
          Stream.take(1),
          Stream.runCollect,
          Effect.timeout("15 seconds")
        )
      const [raised] = yield* until(1)
      assert.include(raised![0]!.detail, 'bad.demo.example A: "here" is no IPv4 address; worse.demo.example LOC')
      assert.strictEqual((yield* question(port, "demo.example")).rcode, "NOERROR")
      yield* setDocuments(sampleDocuments)
      yield* Config.use((config) => config.reload)
      yield* until(0)
    }).pipe(Effect.provide(sampleServer())))

  const limits = (RateLimit: object, more: object = {}) =>
    setDocuments({ local: { GeoDNS: { Dns: { RateLimit: { Exempt: [], ...RateLimit }, ...more } } } }).pipe(
      Effect.andThen(Config.use((config) => config.reload))
    )

  it.live("limits answers over UDP as configured, says so, and takes a changed limit", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const conditions = yield* Conditions
      yield* limits({ ResponsesPerSecond: 0.01, Slip: 1 })
      const asked = overUdp(port, ask("demo.example", "A")).pipe(Effect.map(read))
      yield* asked.pipe(Effect.repeat({ until: ({ tc }) => tc }), Effect.timeout("15 seconds"))
      const raised = yield* conditions.changes.pipe(
        Stream.map((all) => all.find(({ name }) => name === "dns:rate-limit")),
        Stream.filter((condition) => condition !== undefined),
        Stream.take(1),
        Stream.runCollect,
        Effect.timeout("15 seconds")
      )
      assert.include(raised[0]!.detail, "GeoDNS.Dns.RateLimit")
      // A real client comes over TCP, and does not notice.
      assert.strictEqual((yield* question(port, "demo.example")).answers.length, 1)
      yield* limits({ ResponsesPerSecond: 0 })
      yield* asked.pipe(Effect.repeat({ until: ({ tc }) => !tc }), Effect.timeout("15 seconds"))
      for (let i = 0; i < 20; i++) assert.isFalse((yield* asked).tc)
    }).pipe(Effect.provide(sampleServer())))

  it.live("does not limit loopback unless told to", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      yield* setDocuments({ local: { GeoDNS: { Dns: { RateLimit: { ResponsesPerSecond: 0.01, Slip: 1 } } } } })
      yield* Config.use((config) => config.reload)
      for (let i = 0; i < 50; i++) {
        assert.isFalse((yield* Effect.map(overUdp(port, ask("demo.example", "A")), read)).tc)
      }
    }).pipe(Effect.provide(sampleServer())))

  it.live("gives cookies and its name by the settings of now", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const wants = (cookie: string) =>
        overUdp(
          port,
          message({
            questions: [qd("demo.example", "A")],
            additional: [opt({ options: [option(3, []), option(10, Buffer.from(cookie, "hex"))] })]
          })
        ).pipe(Effect.map(read))
      const client = "0102030405060708"
      const first = yield* wants(client)
      assert.deepInclude(first, { nsid: "", rcode: 0 })
      assert.lengthOf(first.cookie!, 48)
      const secret = "e5e973e5a6b2a43f48e7dc849e37bfcf"
      yield* limits({ ResponsesPerSecond: 0.01, Slip: 1 }, { Nsid: "ns1-tokyo", CookieSecret: secret })
      yield* wants(client).pipe(
        Effect.repeat({ until: ({ nsid }) => nsid === "ns1-tokyo" }),
        Effect.timeout("15 seconds")
      )
      assert.isTrue((yield* wants(client)).tc)
      // The cookie from before the change is taken still, and renewed with the secret that all servers share.
      const renewed = yield* wants(first.cookie!)
      assert.isFalse(renewed.tc)
      const words = new Uint32Array(4)
      const cookie = Buffer.from(renewed.cookie!, "hex")
      const shared = new Cookies([Buffer.from(secret, "hex")])
      const seconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const state = shared.check(cookie, { start: 0, end: 24 }, readAddress("127.0.0.1", words), words, seconds)
      assert.strictEqual(state, "fresh")
      yield* limits({}, { Cookies: false })
      yield* wants(client).pipe(Effect.repeat({ until: ({ cookie }) => cookie === "" }), Effect.timeout("15 seconds"))
    }).pipe(Effect.provide(sampleServer())))

  it.live("counts questions by type and code, and drops", () =>
    Effect.gen(function*() {
      const count = (id: string, attributes: Record<string, string>) =>
        Effect.map(Metric.snapshot, (all) =>
          all.flatMap((metric) =>
            metric.type === "Counter" && metric.id === id &&
              Object.entries(attributes).every(([key, value]) => metric.attributes?.[key] === value)
              ? [Number(metric.state.count)]
              : []
          ).reduce((sum, each) => sum + each, 0))
      const answered = count("geodns_dns_questions_total", { type: "SRV", rcode: "NXDOMAIN" })
      const dropped = count("geodns_dns_dropped_total", { reason: "ignored" })
      const nothing = count("geodns_dns_limited_total", { got: "nothing" })
      const truncated = count("geodns_dns_limited_total", { got: "truncated" })
      const before = [yield* answered, yield* dropped, yield* nothing, yield* truncated] as const
      yield* Effect.gen(function*() {
        const { port } = yield* DnsServer
        yield* question(port, "nothing.demo.example", "SRV")
        yield* overUdp(port, Buffer.from("x"), ask("demo.example", "A"))
        yield* limits({ ResponsesPerSecond: 0.01, Slip: 2 })
        const four = Array.from({ length: 4 }, () => ask("api.other.test", "A"))
        yield* overUdp(port, ...four).pipe(Effect.map(read), Effect.repeat({ until: ({ tc }) => tc }))
      }).pipe(Effect.provide(sampleServer()))
      assert.strictEqual(yield* answered, before[0] + 1)
      assert.strictEqual(yield* dropped, before[1] + 1)
      const held = [(yield* nothing) - before[2], (yield* truncated) - before[3]] as const
      assert.isAbove(held[0], 0)
      assert.isAbove(held[1], 0)
      assert.isAtMost(Math.abs(held[0] - held[1]), 1)
    }))
})
