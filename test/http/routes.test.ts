import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, Stream } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { SqlError } from "effect/sql"
import {
  Api,
  ExplainApi,
  Health,
  Metrics,
  OpenApiDocument,
  Results,
  Status,
  StatusApi,
  StatusDocument,
  StatusPage
} from "../../src/http/index.ts"
import { contentSecurityPolicy } from "../../src/http/page/page.ts"
import type { OutageLog } from "../../src/status/OutageLog.ts"
import { Steering } from "../../src/steering/Steering.ts"
import type { OutageStore } from "../../src/store/OutageStore.ts"
import { Database, StoreError } from "../../src/store/StoreError.ts"
import { ask, served } from "./client.ts"
import { eventually, openEvents } from "./events.ts"
import * as Fakes from "./fakes.ts"

const { minutes, now, official, site, target } = Fakes

const amber = Fakes.snapshotOf({ amber: Fakes.member("Amber") })

const observation = (name: string) => ({
  target: target({ member: name }),
  up: false,
  error: "refused",
  data: { attempt: 1 },
  at: now,
  latency: 3
})

const statusOf = (outages: Layer.Layer<OutageLog | OutageStore> | Layer.Layer<never> = Layer.empty) =>
  Status.layer.pipe(Layer.provide(Layer.mergeAll(
    Fakes.identity,
    Fakes.conditions(),
    Fakes.config(amber),
    Fakes.membership([Fakes.node("mon-1", "IBPMonitor")], ["mon-1"]),
    Fakes.officialStatus([official(site("Amber"), { up: false, error: "<script>alert(1)</script>" })]),
    Fakes.consensus([]),
    outages
  )))

describe("GET /results", () => {
  const officials = [official(site("Amber"))]

  it.live("answers with the official status", () =>
    Effect.gen(function*() {
      const { headers, json, status } = yield* ask("/results")
      assert.strictEqual(status, 200)
      assert.strictEqual(headers.get("x-ibp-results-source"), "official")
      assert.strictEqual(headers.get("content-type"), "application/json")
      assert.deepStrictEqual(json.SiteResults[0].Results[0].MemberName, "Amber")
      assert.deepStrictEqual([json.DomainResults, json.EndpointResults], [[], []])
      assert.deepStrictEqual((yield* ask("/results?source=official")).json, json)
    }).pipe(Effect.provide(served(Results.layer.pipe(Layer.provide(Fakes.officialStatus(officials)))))))

  it.live("answers 503 before the first decision, and never with local results", () =>
    Effect.gen(function*() {
      const { headers, json, status } = yield* ask("/results")
      assert.strictEqual(status, 503)
      assert.isNull(headers.get("x-ibp-results-source"))
      assert.include(json.error, "Nothing is decided yet")
    }).pipe(Effect.provide(served(Results.layer.pipe(Layer.provide([
      Fakes.officialStatus([]),
      Fakes.monitor([{
        target: target({ member: "Amber" }),
        last: observation("Amber"),
        debounced: false,
        streak: 2,
        stale: false
      }])
    ]))))))

  it.live("answers with local results when they are asked for, without stale ones", () =>
    Effect.gen(function*() {
      const { headers, json, status } = yield* ask("/results?source=local")
      assert.strictEqual(status, 200)
      assert.strictEqual(headers.get("x-ibp-results-source"), "local")
      assert.deepStrictEqual(json, {
        SiteResults: [],
        DomainResults: [],
        EndpointResults: [{
          CheckName: "wss",
          Domain: "rpc.demo.example",
          RpcUrl: "wss://rpc.demo.example/demo",
          IsIPv6: false,
          Results: [{
            Status: false,
            MemberName: "Amber",
            ErrorText: "refused",
            Data: { attempt: 1 },
            IsIPv6: false,
            Checktime: "2026-04-21T08:09:10Z"
          }]
        }]
      })
    }).pipe(Effect.provide(served(Results.layer.pipe(Layer.provide([
      Fakes.officialStatus(officials),
      Fakes.monitor([
        {
          target: target({ member: "Amber" }),
          last: observation("Amber"),
          debounced: undefined,
          streak: 1,
          stale: false
        },
        { target: target({ member: "Birch" }), last: observation("Birch"), debounced: true, streak: 9, stale: true }
      ])
    ]))))))

  it.live("says that a node is no monitor, and what a source may be", () =>
    Effect.gen(function*() {
      const local = yield* ask("/results?source=local")
      assert.deepStrictEqual([local.status, local.json.error], [
        404,
        "This node is no monitor: it has no local results"
      ])
      for (const source of ["?source=all", "?source=local&source=official", "?source="]) {
        assert.strictEqual((yield* ask(`/results${source}`)).status, 400, source)
      }
    }).pipe(Effect.provide(served(Results.layer.pipe(Layer.provide(Fakes.officialStatus(officials)))))))

  it.live("writes tens of thousands of targets whole", () =>
    Effect.gen(function*() {
      const { json } = yield* ask("/results")
      assert.lengthOf(json.EndpointResults[0].Results, 30_000)
    }).pipe(Effect.provide(served(Results.layer.pipe(
      Layer.provide(
        Fakes.officialStatus(Array.from({ length: 30_000 }, (_, i) => official(target({ member: `m${i}` }))))
      )
    )))))
})

describe("GET /health, /ready, /live", () => {
  const health = (
    conditions: Parameters<typeof Fakes.conditions>[0],
    others: Layer.Layer<Steering> | Layer.Layer<never> = Layer.empty
  ) =>
    served(
      Health.layer.pipe(Layer.provide([Fakes.identity, Fakes.config(amber), Fakes.conditions(conditions), others]))
    )

  it.live("tell that all is well", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/health")
      assert.strictEqual(status, 200)
      assert.strictEqual(json.status, "ok")
      assert.deepInclude(json.node, { id: "mon-1", role: "IBPMonitor", boot: "boot-1", shadow: false })
      assert.match(json.node.version, /^\d+\.\d+\.\d+/)
      assert.deepStrictEqual(json.conditions, [])
      assert.strictEqual(json.config.version, 7)
      assert.strictEqual(json.config.documents.AlertsConfig.problem, "HTTP 503")
      assert.notProperty(json.config.documents.MembersConfig, "problem")
      assert.deepStrictEqual((yield* ask("/ready")).json, { ready: true })
      assert.deepStrictEqual((yield* ask("/live")).json, { live: true })
    }).pipe(Effect.provide(health([]))))

  it.live("tell what is degraded and since when, with 200, and where documents come from never", () =>
    Effect.gen(function*() {
      const { json, status, text } = yield* ask("/health")
      assert.deepStrictEqual([status, json.status], [200, "degraded"])
      assert.deepStrictEqual(json.conditions, [
        { name: "store", detail: "The disk is full", since: "2026-04-21T08:09:10.123Z" }
      ])
      assert.notInclude(text, "geheim")
    }).pipe(Effect.provide(health([{ name: "store", detail: "The disk is full", since: now }]))))

  it.live("a DNS node without a name to steer is not ready", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/ready")
      assert.strictEqual(status, 503)
      assert.include(json.error, "No name is steered")
    }).pipe(Effect.provide(health(
      [],
      Layer.mock(Steering, {
        choose: () => undefined,
        explain: () => undefined,
        names: () => new Set<string>()
      })
    ))))
})

describe("GET /metrics", () => {
  it.live("tells what is counted, and the state of the services that there are", () =>
    Effect.gen(function*() {
      yield* ask("/metrics")
      const { headers, status, text } = yield* ask("/metrics")
      assert.strictEqual(status, 200)
      assert.strictEqual(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      for (
        const line of [
          'geodns_http_requests_total{status="2xx"}',
          'geodns_official_up{check_type="site",check="ping",member="Amber",domain="",endpoint="",ip="4"} 1',
          "geodns_electorate 1",
          'geodns_config_document_age_seconds{document="MembersConfig"}',
          'geodns_geoip_age_seconds{kind="City"}'
        ]
      ) assert.include(text, line)
      const families = text.split("\n").filter((line) => line.startsWith("# TYPE "))
      assert.strictEqual(new Set(families).size, families.length)
    }).pipe(Effect.provide(served(Metrics.layer.pipe(Layer.provide([
      Fakes.officialStatus([official(site("Amber"))]),
      Fakes.membership([Fakes.node("mon-1", "IBPMonitor")], ["mon-1"]),
      Fakes.config(amber),
      Fakes.geoIp
    ]))))))

  it.live("needs no other service", () =>
    Effect.gen(function*() {
      const { status, text } = yield* ask("/metrics")
      assert.strictEqual(status, 200)
      assert.notInclude(text, "geodns_official_up")
    }).pipe(Effect.provide(served(Metrics.layer))))
})

describe("GET /api/status and /", () => {
  it.live("tell the same", () =>
    Effect.gen(function*() {
      const { headers, json, status } = yield* ask("/api/status")
      assert.strictEqual(status, 200)
      assert.strictEqual(headers.get("content-type"), "application/json")
      assert.deepStrictEqual<unknown>(Schema.decodeUnknownSync(StatusDocument)(json), json)
      assert.deepInclude(json.members.items[0], { key: "amber", name: "Amber", state: "down" })
      assert.notProperty(json, "outages")

      const page = yield* ask("/")
      assert.strictEqual(page.status, 200)
      assert.strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8")
      assert.strictEqual(page.headers.get("content-security-policy"), contentSecurityPolicy)
      assert.strictEqual(page.headers.get("x-content-type-options"), "nosniff")
      assert.strictEqual(page.headers.get("x-frame-options"), "DENY")
      assert.include(page.text, "1 of 1 member has trouble")
      assert.include(page.text, "&lt;script&gt;alert(1)&lt;/script&gt;")
      assert.notInclude(page.text, "<script>alert")
    }).pipe(Effect.provide(served(Layer.merge(StatusApi.layer, StatusPage.layer).pipe(Layer.provide(statusOf()))))))

  it.live("tell the outages where they are kept", () =>
    Effect.gen(function*() {
      const { json } = yield* ask("/api/status")
      assert.deepStrictEqual(json.outages.open.items.map((o: { id: string }) => o.id), ["open"])
      assert.deepStrictEqual(json.outages.recent.items.map((o: { id: string }) => o.id), ["later", "earlier"])
    }).pipe(Effect.provide(served(StatusApi.layer.pipe(Layer.provide(statusOf(Layer.merge(
      Fakes.outageLog([Fakes.outage(site("Amber"), { id: "open" })]),
      Fakes.outageStore(Stream.make(
        Fakes.outage(site("Amber"), { id: "earlier", end: now - minutes(9) }),
        Fakes.outage(site("Amber"), { id: "later", end: now - minutes(3) })
      ))
    ))))))))

  it.live("say why past outages are not known, and answer all the same", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/api/status")
      assert.deepStrictEqual([status, json.outages.recent.total], [200, 0])
      assert.strictEqual(json.outages.problem, "The store could not be read (Database); /health says more")
    }).pipe(Effect.provide(served(StatusApi.layer.pipe(Layer.provide(statusOf(Layer.merge(
      Fakes.outageLog([]),
      Fakes.outageStore(Stream.fail(
        new StoreError({
          operation: "find",
          reason: new Database({
            error: new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: "gone", message: "gone" }) })
          })
        })
      ))
    ))))))))
})

describe("GET /api/status/events", () => {
  it.live("sends the same document, at once and again", () =>
    Effect.gen(function*() {
      const reader = yield* openEvents("/api/status/events")
      assert.deepStrictEqual([reader.status, reader.headers["content-type"]], [200, "text/event-stream"])
      yield* eventually("the status", () => reader.events.some(({ event }) => event === "status"))
      const sent = JSON.parse(reader.events.find(({ event }) => event === "status")!.data)
      assert.deepStrictEqual<unknown>(Schema.decodeUnknownSync(StatusDocument)(sent), sent)
      assert.deepInclude(sent.members.items[0], { key: "amber", state: "down" })
    }).pipe(Effect.provide(served(StatusApi.layer.pipe(Layer.provide(statusOf()))))))
})

describe("GET /api/openapi.json", () => {
  it.live("describes the API of all roles", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/api/openapi.json")
      assert.strictEqual(status, 200)
      assert.match(json.openapi, /^3\./)
      assert.includeMembers(Object.keys(json.paths), [
        "/api/status",
        "/api/explain",
        "/api/overrides",
        "/api/overrides/end"
      ])
      assert.includeMembers(Object.keys(json.paths["/api/overrides"].post.responses), [
        "200",
        "400",
        "403",
        "404",
        "503"
      ])
    }).pipe(Effect.provide(served(OpenApiDocument.layer))))
})

describe("GET /api/explain", () => {
  const routes = served(ExplainApi.layer.pipe(Layer.provide([Fakes.identity, Fakes.geoIp, Fakes.answerState])))

  it.live("explains, to a client of the API too", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/api/explain?name=RPC.Demo.example.&client=203.0.113.7&type=AAAA")
      assert.strictEqual(status, 200)
      assert.deepInclude(json, { node: "mon-1", address: "203.0.113.7", country: "AU", asn: "AS64500" })
      assert.deepInclude(json.explanation, { name: "rpc.demo.example", ipv6: true, rule: "nearest" })
      assert.strictEqual(json.explanation.client.scope, "203.0.113.0/24")

      const { address } = yield* HttpServer.HttpServer
      const client = yield* HttpApiClient.make(Api, { baseUrl: HttpServer.formatAddress(address) })
      const { explanation } = yield* client.explain({ query: { name: "rpc.demo.example", client: "203.0.113.7" } })
      assert.deepStrictEqual(explanation, {
        ...Fakes.explanation,
        client: { location: { latitude: -33.9, longitude: 151.2 }, scope: "203.0.113.0/24" }
      })
    }).pipe(Effect.provide([routes, FetchHttpClient.layer])))

  it.live("begins with what the zones say, which may be all", () =>
    Effect.gen(function*() {
      const explain = (name: string) =>
        Effect.map(ask(`/api/explain?name=${name}&client=203.0.113.7`), ({ json, status }) => {
          assert.strictEqual(status, 200)
          return json
        })
      const alias = yield* explain("www.demo.example")
      assert.deepInclude(alias.zone, { zone: "demo.example", name: "rpc.demo.example", rule: "members" })
      assert.deepStrictEqual(alias.zone.records, [
        { name: "www.demo.example", type: "CNAME", ttl: 300, data: "rpc.demo.example" }
      ])
      assert.deepInclude(alias.explanation, { name: "rpc.demo.example", rule: "nearest" })
      const fixed = yield* explain("fixed.demo.example")
      assert.isNull(fixed.explanation)
      assert.strictEqual(fixed.zone.rule, "static")
      assert.include(fixed.zone.lines[0], "a static record answers: A 192.0.2.77")
      const typo = yield* explain("rcp.demo.example")
      assert.deepInclude(typo.zone, { rule: "no-name", nearest: ["rpc.demo.example"] })
      assert.isNull(typo.explanation)
      assert.deepInclude((yield* explain("no.example")).zone, { zone: "", rule: "outside", nearest: [] })
    }).pipe(Effect.provide([routes, FetchHttpClient.layer])))

  it.live("takes an address or a network of either family", () =>
    Effect.gen(function*() {
      for (
        const [client, address] of [
          ["203.0.113.200/24", "203.0.113.0"],
          ["203.0.113.7/32", "203.0.113.7"],
          ["2001:DB8::1", "2001:db8::1"],
          ["2001:db8:0:12ff::/56", "2001:db8:0:1200::"]
        ]
      ) {
        const { json, status } = yield* ask(`/api/explain?name=rpc.demo.example&client=${encodeURIComponent(client!)}`)
        assert.deepStrictEqual([status, json.address], [200, address], client)
      }
    }).pipe(Effect.provide(routes)))

  it.live("says all that is wrong with a question", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/api/explain?name=a..b&client=203.0.113.7/33&type=MX")
      assert.strictEqual(status, 400)
      assert.match(
        json.error,
        /^name: Expected a host name.*; client: Expected an IP address.*; type: Expected "A" \| "AAAA"/
      )
      assert.include((yield* ask("/api/explain")).json.error, "name: Missing key; client: Missing key")
      for (
        const bad of [
          "name=&client=::1",
          `name=${"a".repeat(64)}.example&client=::1`,
          `name=${"a.".repeat(150)}example&client=::1`,
          "name=rpc.demo.example&client=203.0.113.07",
          "name=rpc.demo.example&client=fe80::1%25eth0",
          "name=rpc.demo.example&client=1.2.3",
          "name=rpc.demo.example&client=::1/129",
          "name=rpc.demo.example&client=::1&client=::2",
          "name=rpc.demo.example&name=x&client=::1"
        ]
      ) assert.strictEqual((yield* ask(`/api/explain?${bad}`)).status, 400, bad)
    }).pipe(Effect.provide(routes)))
})

describe("a node", () => {
  it.live("answers for what its role does not have that nothing is there", () =>
    Effect.gen(function*() {
      const { json, status } = yield* ask("/api/explain?name=rpc.demo.example&client=::1")
      assert.deepStrictEqual([status, json.error], [404, "Nothing is served at /api/explain on this node"])
    }).pipe(Effect.provide(served(Metrics.layer))))
})
