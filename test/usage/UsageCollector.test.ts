import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Stream } from "effect"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { databaseError } from "../../src/store/StoreError.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import {
  hit,
  hitsOf,
  inCluster,
  newDisk,
  newFiles,
  newStore,
  pass,
  startClient,
  startCollator,
  startDns
} from "./collecting.ts"

const fixture = (name: string) => readFileSync(new URL(`../fixtures/wire/${name}.json`, import.meta.url), "utf8").trim()

describe("UsageCollector", () => {
  it.effect("collects at the top of each hour, today and yesterday: no hour of a day is lost, nor the last of a month", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-31T22:30:00Z"))
      const store = yield* newStore
      const dns = yield* startDns("dns-1", yield* newDisk)
      const collator = yield* startCollator("collator-1", store, yield* newFiles)
      dns.record(hit(), hit())
      yield* pass(29)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-31 dns-1": 2 })
      dns.record(hit())
      yield* pass(2)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-31 dns-1": 3 })
      yield* pass(58)
      // 23:59, long after the last collection of the day.
      dns.record(hit(), hit("b.example"))
      yield* pass(2)
      dns.record(hit())
      yield* pass(60)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-31 dns-1": 5, "2026-04-01 dns-1": 1 })
      assert.deepStrictEqual((yield* collator.completeness).slice(-2), [
        "2026-03-31 dns-1 complete",
        "2026-04-01 dns-1 running"
      ])
      assert.deepStrictEqual(yield* collator.conditions, [])
    })))

  it.effect("three collections by two collators at once, over restarts of the node, give every answer once", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-01T10:00:00Z"))
      const disk = yield* newDisk
      const shared = yield* newStore
      const own = yield* newStore
      const collators = [
        yield* startCollator("collator-1", shared, yield* newFiles),
        yield* startCollator("collator-2", shared, yield* newFiles),
        yield* startCollator("collator-3", own, yield* newFiles)
      ]
      const other = yield* startDns("dns-2", yield* newDisk)
      other.record(hit())
      for (let start = 1; start <= 3; start++) {
        const dns = yield* startDns("dns-1", disk)
        yield* pass(2)
        for (let i = 0; i < start; i++) dns.record(hit(), hit("b.example"))
        for (let round = 0; round < 2; round++) {
          yield* Effect.forkChild(Effect.all(collators.map((it) => it.collector.collect), { concurrency: 3 }), {
            startImmediately: true
          })
          yield* pass(2)
        }
        yield* dns.stop
      }
      const expected = { "2026-03-01 dns-1": 12, "2026-03-01 dns-2": 1 }
      assert.deepStrictEqual(yield* hitsOf(shared), expected)
      assert.deepStrictEqual(yield* hitsOf(own), expected)
    })))

  it.effect(
    "a node that is down is asked again, said to be missing, and counted when it is back",
    () =>
      inCluster(Effect.gen(function*() {
        const broker = yield* MemoryBroker
        yield* TestClock.setTime(Date.parse("2026-03-01T22:00:00Z"))
        const store = yield* newStore
        const dns1 = yield* startDns("dns-1", yield* newDisk)
        const dns2 = yield* startDns("dns-2", yield* newDisk)
        const collator = yield* startCollator("collator-1", store, yield* newFiles)
        dns1.record(hit())
        dns2.record(hit())
        yield* pass(70)
        dns2.record(hit(), hit())
        yield* broker.disconnect("dns-2")
        yield* pass(180)
        assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-01 dns-1": 1, "2026-03-01 dns-2": 1 })
        assert.include(yield* collator.completeness, "2026-03-01 dns-2 missing")
        assert.include(yield* collator.completeness, "2026-03-01 dns-1 complete")
        assert.deepStrictEqual(yield* collator.conditions, ["usage:incomplete"])
        yield* broker.reconnect("dns-2")
        yield* pass(65)
        assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-01 dns-1": 1, "2026-03-01 dns-2": 3 })
        assert.include(yield* collator.completeness, "2026-03-01 dns-2 complete")
        assert.deepStrictEqual(yield* collator.conditions, [])
      })),
    120_000
  )

  it.effect("catches up the days that it missed while it was down", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const store = yield* newStore
      const files = yield* newFiles
      const disk = yield* newDisk
      let dns = yield* startDns("dns-1", disk)
      const first = yield* startCollator("collator-1", store, files)
      dns.record(hit())
      yield* pass(5)
      yield* first.stop
      for (let day = 1; day <= 4; day++) {
        dns.record(hit("b.example"))
        yield* dns.stop
        yield* TestClock.adjust("1 day")
        dns = yield* startDns("dns-1", disk)
      }
      const second = yield* startCollator("collator-1", store, files)
      assert.deepStrictEqual(yield* second.conditions, ["usage:incomplete"])
      yield* pass(5)
      assert.deepStrictEqual(yield* second.conditions, [])
      assert.deepStrictEqual(yield* hitsOf(store), {
        "2026-03-01 dns-1": 2,
        "2026-03-02 dns-1": 1,
        "2026-03-03 dns-1": 1,
        "2026-03-04 dns-1": 1
      })
      const states = yield* second.completeness
      for (const day of ["01", "02", "03", "04"]) assert.include(states, `2026-03-${day} dns-1 complete`)
    })), 120_000)

  it.effect("a node that was last seen when the collator went down, and never again, is missing", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const store = yield* newStore
      const files = yield* newFiles
      const dns = yield* startDns("dns-1", yield* newDisk)
      const first = yield* startCollator("collator-1", store, files)
      yield* pass(5)
      yield* first.stop
      yield* dns.stop
      yield* TestClock.adjust("2 days")
      const second = yield* startCollator("collator-1", store, files)
      yield* pass(10)
      assert.deepStrictEqual((yield* second.completeness).slice(-2), [
        "2026-03-01 dns-1 missing",
        "2026-03-02 dns-1 missing"
      ])
      assert.deepStrictEqual(yield* second.conditions, ["usage:incomplete"])
    })))

  it.effect(
    "fetches many totals in pages, more than one message holds, and stores each once",
    () =>
      inCluster(Effect.gen(function*() {
        yield* TestClock.setTime(Date.parse("2026-03-01T10:00:00Z"))
        const store = yield* newStore
        const disk = yield* newDisk
        const client = yield* startClient("listener")
        const answers: Array<string> = []
        yield* Stream.runForEach(
          yield* client.subscribe("geodns.v1.usage.answer.>"),
          ({ data }) => Effect.sync(() => answers.push(data))
        ).pipe(Effect.forkScoped)
        for (let start = 0; start < 2; start++) {
          const dns = yield* startDns("dns-1", disk)
          for (let i = 0; i < 10_000; i++) dns.record(hit(`${"long-".repeat(10)}${i}.example`))
          yield* dns.usage.flush
          if (start === 0) yield* dns.stop
        }
        yield* startCollator("collator-1", store, yield* newFiles)
        yield* pass(3)
        assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-01 dns-1": 20_000 })
        assert.isAbove(answers.length, 30)
        assert.isAtMost(Math.max(...answers.map((data) => data.length)), 128 * 1024)
      })),
    120_000
  )

  it.effect("takes the answers of v2 nodes under their own ids, keeps the greater totals, and adds up what is one key", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-04-21T10:00:00Z"))
      const store = yield* newStore
      const collator = yield* startCollator("collator-1", store, yield* newFiles)
      const asked: Array<unknown> = []
      let hits = 1234
      const v2 = Effect.fnUntraced(function*(id: string, answer: () => string) {
        const bus = yield* startClient(id)
        yield* Stream.runForEach(yield* bus.subscribe("dns.usage.getUsage"), ({ data, reply }) => {
          asked.push(JSON.parse(data))
          return Effect.orDie(bus.publish(reply ?? "dns.usage.usageData", answer()))
        }).pipe(Effect.forkScoped)
        yield* bus.publish(
          "consensus.cluster",
          fixture("consensus.cluster.join").replace(/"sender":\{"NodeID":"[^"]*"/, `"sender":{"NodeID":"${id}"`)
            .replace("IBPMonitor", "IBPDns")
        )
      })
      yield* v2("DNS-EU-1", () => fixture("dns.usage.usageData").replace("1234", String(hits)))
      yield* v2("DNS-EU-2", () => fixture("dns.usage.usageData.empty"))
      yield* v2("DNS-EU-3", () =>
        JSON.stringify({
          nodeID: "DNS-EU-3",
          usageRecords: [
            { date: "2026-04-21", domain: "RPC.example", memberName: "m", countryCode: "US", hits: 5, isIPv6: false },
            { date: "2026-04-21", domain: "rpc.example ", memberName: "m", countryCode: "US", hits: 7, isIPv6: false },
            { date: "2027-01-01", domain: "rpc.example", memberName: "m", countryCode: "US", hits: 9, isIPv6: false }
          ]
        }))
      yield* pass(3)
      const expected = { "2026-04-21 DNS-EU-1": 1237, "2026-04-21 DNS-EU-3": 12 }
      assert.deepStrictEqual(yield* hitsOf(store), expected)
      assert.include(asked[0] as object, {
        startDate: "2026-04-20",
        endDate: "2026-04-21",
        domain: "",
        memberName: "",
        country: ""
      })
      hits = 1000
      yield* Effect.forkChild(collator.collector.collect, { startImmediately: true })
      yield* pass(2)
      assert.deepStrictEqual(yield* hitsOf(store), expected)
      const fallen = (yield* collator.collector.completeness).filter((it) => it.fallen > 0)
      assert.deepStrictEqual(fallen.map((it) => [it.node, it.day, it.fallen]), [["DNS-EU-1", "2026-04-21", 234]])
    })))

  it.effect("a DNS node that stores into the collator's database itself is not counted twice", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-01T10:00:00Z"))
      const store = yield* newStore
      const disk = yield* newDisk
      for (let start = 0; start < 2; start++) {
        const dns = yield* startDns("dns-1", disk, store)
        dns.record(hit(), hit())
        yield* dns.usage.flush
        if (start === 0) yield* dns.stop
      }
      yield* startCollator("collator-1", store, yield* newFiles)
      yield* pass(3)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-03-01 dns-1": 4 })
    })))

  it.effect("does not take what a node tells others for an answer", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-04-21T10:00:00Z"))
      const store = yield* newStore
      yield* startCollator("collator-1", store, yield* newFiles)
      const bus = yield* startClient("dns-eu-1")
      yield* bus.publish("dns.usage.usageData", fixture("dns.usage.usageData"))
      yield* pass(3)
      assert.deepStrictEqual(yield* hitsOf(store), {})
    })))

  it.effect("a store that fails leaves days incomplete, says so, and gets everything later", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-01T10:00:00Z"))
      const memory = yield* newStore
      let failing = true
      const { find, upsert } = Context.get(memory, UsageStore)
      const store = Context.make(
        UsageStore,
        UsageStore.of({
          find,
          upsert: (rows) =>
            failing
              ? Effect.fail(
                databaseError("store usage")(
                  new SqlError({ reason: new ConnectionError({ cause: null, message: "gone" }) })
                )
              )
              : upsert(rows)
        })
      )
      const dns = yield* startDns("dns-1", yield* newDisk)
      dns.record(hit())
      const collator = yield* startCollator("collator-1", store, yield* newFiles)
      yield* pass(10)
      assert.deepStrictEqual(yield* collator.conditions, ["usage:collect"])
      failing = false
      yield* pass(55)
      assert.deepStrictEqual(yield* collator.conditions, [])
      assert.deepStrictEqual(yield* hitsOf(memory), { "2026-03-01 dns-1": 1 })
    })))

  it.effect("a node that gets a new id is not counted twice, and what it had not told under the old one is", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-06-10T10:00:00Z"))
      const disk = yield* newDisk
      const store = yield* newStore
      const collator = yield* startCollator("collator-1", store, yield* newFiles)
      const before = yield* startDns("dns-1", disk)
      before.record(...Array.from({ length: 100 }, () => hit()))
      yield* pass(5)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-1": 100 })
      before.record(hit("b.example"))
      yield* before.stop
      const after = yield* startDns("dns-one", disk)
      after.record(hit())
      yield* pass(65)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-1": 101, "2026-06-10 dns-one": 1 })
      const told = (yield* collator.collector.completeness).find(({ day, node }) =>
        `${day} ${node}` === "2026-06-10 dns-one"
      )
      assert.strictEqual(told?.hits, 1)
    })))

  it.effect("a node that started on a copy of another's work directory is not counted twice", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-06-10T10:00:00Z"))
      const disk = yield* newDisk
      const files = Context.get(disk, AppendFiles)
      const first = yield* startDns("dns-1", disk)
      first.record(hit(), hit())
      yield* first.stop
      const copy = yield* newDisk
      for (const name of yield* files.list) {
        const records = yield* Stream.runCollect(files.read(name))
        yield* Effect.scoped(Effect.flatMap(Context.get(copy, AppendFiles).open(name), (it) => it.append(records)))
      }
      const store = yield* newStore
      yield* startCollator("collator-1", store, yield* newFiles)
      const original = yield* startDns("dns-1", disk)
      // It stores into the same database besides.
      const copied = yield* startDns("dns-2", copy, store)
      original.record(hit())
      copied.record(hit("b.example"), hit("c.example"))
      yield* copied.usage.flush
      yield* pass(65)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-1": 3, "2026-06-10 dns-2": 2 })
    })))

  it.effect(
    "two nodes with one id are both counted, in many pages, and said to be two until they are not",
    () =>
      inCluster(Effect.gen(function*() {
        yield* TestClock.setTime(Date.parse("2026-06-10T10:00:00Z"))
        const store = yield* newStore
        const collator = yield* startCollator("collator-1", store, yield* newFiles)
        const disk = yield* newDisk
        const twins = [yield* startDns("dns-1", yield* newDisk), yield* startDns("dns-1", disk)] as const
        // More than one asking gives: behind the cursor of one the other has something else.
        for (let i = 0; i < 6_000; i++) twins[0].record(hit(`${"long-".repeat(8)}a${i}.example`))
        for (let i = 0; i < 2_500; i++) twins[1].record(hit(`${"long-".repeat(8)}b${i}.example`))
        yield* pass(5)
        assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-1": 8_500 })
        assert.include(yield* collator.conditions, "usage:shared-id")
        yield* twins[1].stop
        yield* startDns("dns-2", disk)
        yield* pass(60)
        assert.notInclude(yield* collator.conditions, "usage:shared-id")
        assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-1": 8_500 })
      })),
    120_000
  )

  /** A node that answers each question for pages with these. */
  const scripted = Effect.fnUntraced(function*(pages: () => ReadonlyArray<object>) {
    yield* TestClock.setTime(Date.parse("2026-06-10T10:00:00Z"))
    const store = yield* newStore
    const collator = yield* startCollator("collator-1", store, yield* newFiles)
    // It is what announces the node; with another id it would answer too.
    const bus = yield* startClient("dns-9")
    yield* Stream.runForEach(
      yield* bus.subscribe("dns.usage.getUsage"),
      ({ reply }) =>
        Effect.forEach(
          pages(),
          (page) => Effect.orDie(bus.publish(reply!, JSON.stringify({ nodeID: "dns-9", Boot: "b", ...page })))
        )
    ).pipe(
      Effect.forkScoped
    )
    yield* bus.publish(
      "consensus.cluster",
      fixture("consensus.cluster.join").replace(/"sender":\{"NodeID":"[^"]*"/, `"sender":{"NodeID":"dns-9"`)
        .replace("IBPMonitor", "IBPDns")
    )
    const told = Effect.map(
      collator.collector.completeness,
      (all) => all.find(({ day, node }) => node === "dns-9" && day === "2026-06-10")
    )
    return { store, told }
  })
  const page = (number: number, domain: string, over: object = {}) => ({
    Page: number,
    Writer: "0123456789abcdef",
    usageRecords: [{ nodeid: "dns-9", date: "2026-06-10", domain, memberName: "m", hits: 5, isIPv6: false }],
    ...over
  })
  const final = (number: number) => ({ Page: number, Final: true, usageRecords: [] })

  it.effect("an answer of which a page was lost, or came out of turn, is not the whole", () =>
    inCluster(Effect.gen(function*() {
      let pages = [page(0, "a.example"), page(2, "c.example"), final(3)]
      const { store, told } = yield* scripted(() => pages)
      yield* pass(4)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-9": 5 })
      assert.isUndefined((yield* told)?.collectedAt)
      pages = [page(0, "a.example"), final(2), page(1, "b.example")]
      yield* pass(60)
      assert.isUndefined((yield* told)?.collectedAt)
      pages = [page(0, "a.example"), page(1, "b.example"), final(2)]
      yield* pass(60)
      assert.isDefined((yield* told)?.collectedAt)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-9": 10 })
    })))

  it.effect("a page that comes twice counts once, and an answer that ends in an error is not the whole", () =>
    inCluster(Effect.gen(function*() {
      let pages: ReadonlyArray<object> = [page(0, "a.example"), page(0, "a.example"), page(1, "b.example"), final(2)]
      const { store, told } = yield* scripted(() => pages)
      yield* pass(4)
      assert.strictEqual((yield* told)?.hits, 10)
      assert.deepStrictEqual(yield* hitsOf(store), { "2026-06-10 dns-9": 10 })
      const at = (yield* told)?.collectedAt
      pages = [page(0, "a.example"), { usageRecords: [], error: "the journals cannot be read" }, final(1)]
      yield* pass(60)
      assert.strictEqual((yield* told)?.collectedAt, at)
    })))
})
