import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { UsageRecord, UsageRequest, UsageResponse } from "../../src/domain/wire/Usage.ts"
import { PagedUsageRequest, UsagePage } from "../../src/domain/wire/UsagePages.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { formatCursor, parseCursor } from "../../src/usage/usagePages.ts"
import { hit, inCluster, newDisk, place, startClient, startDns } from "./collecting.ts"

const fixture = (name: string) => readFileSync(new URL(`../fixtures/wire/${name}.json`, import.meta.url), "utf8").trim()

/** Two starts of one node that have counted on two days, and somebody on the bus. */
const counted = Effect.gen(function*() {
  yield* TestClock.setTime(Date.parse("2026-04-20T23:59:00Z"))
  const disk = yield* newDisk
  const first = yield* startDns("dns-1", disk)
  first.record(hit(), hit("b.example"))
  yield* TestClock.adjust("2 minutes")
  first.record(hit())
  yield* first.stop
  const second = yield* startDns("dns-1", disk)
  second.record(hit(), hit("rpc.example", { member: "Rhine Nodes", place: { ...place, country: "US" }, ipv6: true }))
  const bus = yield* startClient("somebody")
  const ask = (request: object) =>
    Effect.gen(function*() {
      const [answer, ...rest] = yield* bus.askAll("dns.usage.getUsage", JSON.stringify(request), { wait: 5, max: 1 })
      assert.lengthOf(rest, 0)
      return JSON.parse(answer!.data)
    })
  return { bus, ask, node: second }
})

const request = JSON.parse(fixture("dns.usage.getUsage"))

describe("UsageAnswers", () => {
  it.effect("answers v2 with one message of sums over its starts, in v2's words", () =>
    inCluster(Effect.gen(function*() {
      const { ask } = yield* counted
      const answer = yield* ask(request)
      assert.deepStrictEqual(Object.keys(answer).sort(), ["nodeID", "usageRecords"])
      assert.strictEqual(answer.nodeID, "dns-1")
      assert.deepStrictEqual(answer.usageRecords[0], {
        nodeid: "dns-1",
        date: "2026-04-20",
        domain: "rpc.example",
        memberName: "Potomac Works",
        countryCode: "DE",
        asn: "AS64500",
        networkName: "Example Net",
        countryName: "Germany",
        hits: 1,
        isIPv6: false
      })
      assert.deepStrictEqual(
        answer.usageRecords.map((it: any) => [it.date, it.domain, it.memberName, it.hits]),
        [
          ["2026-04-20", "rpc.example", "Potomac Works", 1],
          ["2026-04-20", "b.example", "Potomac Works", 1],
          ["2026-04-21", "rpc.example", "Potomac Works", 2],
          ["2026-04-21", "rpc.example", "Rhine Nodes", 1]
        ]
      )
    })))

  it.effect("filters by period, both days inclusive, and by domain, member and country without case", () =>
    inCluster(Effect.gen(function*() {
      const { ask } = yield* counted
      const hits = (over: object) =>
        Effect.map(ask({ ...request, ...over }), (answer) => answer.usageRecords.map((it: any) => it.hits))
      assert.deepStrictEqual(yield* hits({ endDate: "2026-04-20" }), [1, 1])
      assert.deepStrictEqual(yield* hits({ startDate: "2026-04-21" }), [2, 1])
      assert.deepStrictEqual(yield* hits({ domain: "B.Example" }), [1])
      assert.deepStrictEqual(yield* hits({ memberName: "RHINE nodes" }), [1])
      assert.deepStrictEqual(yield* hits({ country: "us", startDate: "2026-04-20" }), [1])
      assert.deepStrictEqual(yield* hits({ domain: "b" }), [])
      assert.deepStrictEqual(yield* hits({ startDate: "2026-05-01", endDate: "2026-05-02" }), [])
    })))

  it.effect("refuses a period that ends before it begins", () =>
    inCluster(Effect.gen(function*() {
      const { ask } = yield* counted
      const answer = yield* ask({ ...request, startDate: "2026-04-22", endDate: "2026-04-21" })
      assert.deepStrictEqual(answer, {
        nodeID: "dns-1",
        usageRecords: [],
        error: "startDate 2026-04-22 is after endDate 2026-04-21"
      })
    })))

  it.effect("answers on the common subject when there is no reply subject", () =>
    inCluster(Effect.gen(function*() {
      const { bus } = yield* counted
      const heard: Array<any> = []
      yield* Stream.runForEach(yield* bus.subscribe("dns.usage.usageData"), ({ data }) =>
        Effect.sync(() => heard.push(JSON.parse(data)))).pipe(Effect.forkScoped)
      yield* bus.publish("dns.usage.getUsage", JSON.stringify(request))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(heard.map((it) => [it.nodeID, it.usageRecords.length]), [["dns-1", 4]])
    })))

  it.effect("gives v2 nothing and a reason when it does not fit into one message: a part would be taken for the whole", () =>
    inCluster(Effect.gen(function*() {
      const { ask, node } = yield* counted
      for (let i = 0; i < 6_000; i++) node.record(hit(`${"long-".repeat(8)}${i}.example`))
      const answer = yield* ask(request)
      assert.deepStrictEqual(answer.usageRecords, [])
      assert.include(answer.error, "do not fit into one message")
      assert.lengthOf((yield* ask({ ...request, domain: "b.example" })).usageRecords, 1)
    })))

  it.effect("stays silent when others are asked by name, and at garbage", () =>
    inCluster(Effect.gen(function*() {
      const { bus } = yield* counted
      const answers = (data: string) => bus.askAll("dns.usage.getUsage", data, { wait: 5, max: 1 })
      assert.lengthOf(yield* answers(JSON.stringify({ ...request, Paging: 1, Nodes: ["dns-1", "dns-2"] })), 1)
      const silent = yield* Effect.forkChild(
        Effect.all([
          answers(JSON.stringify({ ...request, Paging: 1, Nodes: ["dns-2"] })),
          answers("{"),
          answers(JSON.stringify({ ...request, startDate: "yesterday" })),
          bus.askAll("geodns.v1.usage", JSON.stringify({ ...request, NodeID: "dns-2", Next: "1 2026-04-20 ab 0" }), {
            wait: 5
          })
        ], { concurrency: 4 }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* Fiber.join(silent)).flat(), [])
      const [refused] = yield* bus.askAll(
        "geodns.v1.usage",
        JSON.stringify({ ...request, NodeID: "dns-1", Next: "../../etc" }),
        { wait: 5, max: 1 }
      )
      assert.include(JSON.parse(refused!.data).error, "not one of ours")
    })))

  it.effect("says nothing on a subject that is not for answers", () =>
    inCluster(Effect.gen(function*() {
      const { bus } = yield* counted
      const heard: Array<string> = []
      const listener = yield* startClient("listener")
      const subjects = [
        "consensus.vote",
        "consensus.finalize",
        "geodns.v1.override",
        "geodns.v1.usage.answer",
        "geodns.v1.usage.answer.x.y",
        "geodns.v1.usage",
        "of.somebody.else"
      ]
      for (const subject of subjects) {
        yield* Stream.runForEach(yield* listener.subscribe(subject), () => Effect.sync(() => heard.push(subject))).pipe(
          Effect.forkScoped
        )
      }
      for (const subject of subjects) {
        for (const question of [request, { ...request, Paging: 1 }]) {
          yield* bus.publish("dns.usage.getUsage", JSON.stringify(question), subject)
        }
        yield* bus.publish(
          "geodns.v1.usage",
          JSON.stringify({ ...request, NodeID: "dns-1", Next: "1 2026-04-20 ab 0" }),
          subject
        )
      }
      yield* TestClock.adjust("1 minute")
      // What was asked is heard by who listens there; nothing else is.
      assert.deepStrictEqual(heard.filter((subject) => subject !== "geodns.v1.usage"), [])
      assert.lengthOf(heard, subjects.length)
    })))

  it.effect("sends no more than so much a second to a flood of questions, and then answers as before", () =>
    inCluster(Effect.gen(function*() {
      const { ask, bus, node } = yield* counted
      for (let i = 0; i < 6_000; i++) node.record(hit(`${"long-".repeat(8)}${i}.example`))
      const listener = yield* startClient("listener")
      const reply = `geodns.v1.usage.answer.${"ab".repeat(12)}`
      let bytes = 0
      yield* Stream.runForEach(
        yield* listener.subscribe(reply),
        ({ data }) => Effect.sync(() => void (bytes += data.length))
      ).pipe(Effect.forkScoped)
      // Each of them is worth 600 KB.
      for (let i = 0; i < 500; i++) {
        yield* bus.publish("dns.usage.getUsage", JSON.stringify({ ...request, Paging: 1 }), reply)
        yield* TestClock.adjust("4 millis")
      }
      const mebibyte = 1024 * 1024
      assert.isBelow(bytes, (16 + 2 * 4 + 1) * mebibyte)
      assert.isAbove(bytes, 16 * mebibyte)
      yield* TestClock.adjust("20 seconds")
      assert.lengthOf((yield* ask({ ...request, domain: "b.example" })).usageRecords, 1)
    })))

  it.effect("pages per writer, numbered, with a final mark, also when nothing is asked for that it has", () =>
    inCluster(Effect.gen(function*() {
      const { bus, node } = yield* counted
      const answers = yield* bus.askAll("dns.usage.getUsage", JSON.stringify({ ...request, Paging: 1 }), {
        wait: 5,
        max: 4
      })
      const pages = answers.map(({ data }) => JSON.parse(data))
      assert.deepStrictEqual(pages.map((it) => it.Page), [0, 1, 2, 3])
      assert.deepStrictEqual(pages.map((it) => it.Final === true), [false, false, false, true])
      assert.lengthOf(new Set(pages.slice(0, 3).map((it) => it.Writer)), 3)
      const [empty] = yield* bus.askAll(
        "dns.usage.getUsage",
        JSON.stringify({ ...request, Paging: 1, domain: "none.example" }),
        { wait: 5, max: 1 }
      )
      const { Boot, ...rest } = JSON.parse(empty!.data)
      assert.deepStrictEqual(rest, { nodeID: "dns-1", usageRecords: [], Page: 0, Final: true })
      assert.deepStrictEqual([...new Set(pages.map((it) => it.Boot))], [Boot])
      assert.strictEqual(Boot, Context.get(node.parts, NodeIdentity).boot)
    })))

  it.effect("tells what is behind a page only as the process that sent the page", () =>
    inCluster(Effect.gen(function*() {
      const { bus, node } = yield* counted
      const more = (Boot: string) =>
        bus.askAll(
          "geodns.v1.usage",
          JSON.stringify({ ...request, NodeID: "dns-1", Boot, Next: "1 2026-04-20 00000000 0" }),
          { wait: 5, max: 1 }
        )
      const { boot } = Context.get(node.parts, NodeIdentity)
      assert.lengthOf(yield* more(boot), 1)
      const other = yield* Effect.forkChild(more("another"), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* Fiber.join(other), 0)
    })))

  it.effect("after a new id: pages name who counted, v2 gets what was counted under it alone, and a condition says so", () =>
    inCluster(Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-04-21T10:00:00Z"))
      const disk = yield* newDisk
      const before = yield* startDns("dns-1", disk)
      before.record(hit(), hit())
      yield* before.stop
      const after = yield* startDns("dns-one", disk)
      after.record(hit("b.example"))
      const bus = yield* startClient("somebody")
      const ask = (over: object, max: number) =>
        Effect.map(
          bus.askAll("dns.usage.getUsage", JSON.stringify({ ...request, ...over }), { wait: 5, max }),
          (answers) => answers.map(({ data }) => JSON.parse(data))
        )
      const conditions = Context.get(after.parts, Conditions)
      const pages = yield* ask({ Paging: 1 }, 3)
      assert.deepStrictEqual([...new Set(pages.map((it) => it.nodeID))], ["dns-one"])
      assert.deepStrictEqual(
        pages.flatMap((it) => it.usageRecords.map((record: any) => `${record.nodeid} ${record.hits}`)).sort(),
        ["dns-1 2", "dns-one 1"]
      )
      assert.deepStrictEqual(yield* conditions.current, [])
      const [whole] = yield* ask({}, 1)
      assert.deepStrictEqual(whole.usageRecords.map((it: any) => [it.nodeid, it.domain, it.hits]), [
        ["dns-one", "b.example", 1]
      ])
      const [raised] = yield* conditions.current
      assert.strictEqual(raised?.name, "usage:node-id")
      assert.include(raised?.detail, `"dns-1"`)
      // Nobody asks for that day; it is left out all the same.
      yield* ask({ startDate: "2026-04-22", endDate: "2026-04-22" }, 1)
      assert.lengthOf(yield* conditions.current, 1)
      const files = Context.get(disk, AppendFiles)
      yield* Effect.forEach(yield* files.list, files.remove)
      yield* ask({}, 1)
      assert.deepStrictEqual(yield* conditions.current, [])
    })))
})

describe("the keys that are added to v2's messages", () => {
  it("differ from all others by more than case, as Go matches keys", () => {
    for (const schema of [PagedUsageRequest, UsagePage, UsageRecord]) {
      const keys = Object.keys(schema.fields).map((key) => key.toLowerCase())
      assert.strictEqual(new Set(keys).size, keys.length)
    }
    const added = ["Paging", "Nodes", "Writer", "Boot", "Page", "Next", "Final"].map((key) => key.toLowerCase())
    const v2 = [UsageRequest, UsageResponse, UsageRecord].flatMap(({ fields }) => Object.keys(fields))
    for (const key of v2) assert.notInclude(added, key.toLowerCase())
  })
})

describe("cursors", () => {
  it("come back as they went, and nothing else is one", () => {
    const cursor = { page: 8, day: "2026-04-20", writer: "0123456789abcdef-2", row: 512 }
    assert.deepStrictEqual(parseCursor(formatCursor(cursor)), cursor)
    for (const text of ["", "1 2", "x 2026-04-20 ab 1", "1 2026-04-20 ../x 1", "1 2026-04-20 ab -1"]) {
      assert.isUndefined(parseCursor(text))
    }
  })
})
