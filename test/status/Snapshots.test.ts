import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Random, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import { targetKey } from "../../src/domain/Target.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { clockTolerance, type OfficialEntry } from "../../src/status/OfficialTable.ts"
import { snapshotPage } from "../../src/status/snapshotPages.ts"
import { Snapshots } from "../../src/status/Snapshots.ts"
import { StatusDigest } from "../../src/status/StatusDigest.ts"
import { counted } from "../bus/counted.ts"
import { decision, targetNamed } from "./fixtures.ts"

const epoch = Date.parse("2026-04-21T08:00:00Z")

const nodeLayer = (id: string, role: NodeRole, before: ReadonlyArray<Decision>) =>
  Layer.fresh(
    Snapshots.layer.pipe(
      // What it knew when it was stopped.
      Layer.provide(
        Layer.effectDiscard(OfficialStatus.use(({ restore }) => Effect.forEach(before, (one) => restore(one))))
      ),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provideMerge(Conditions.layerMemory),
      Layer.provideMerge(Bus.layerMemory({ name: id })),
      Layer.provideMerge(Config.layerMemory()),
      Layer.provide([
        NodeIdentity.layerMemory({ id, role }),
        DurableFiles.layerMemory,
        Layer.succeed(
          KnownTargets,
          ({ members }) => ({ member }) => !member.startsWith("gone") && (member !== "Later" || "later" in members)
        )
      ])
    )
  )

const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let i = 0; i < 10 * seconds; i++) yield* TestClock.adjust(100)
})

/** Starts a node, which takes up to the two seconds that it waits. */
const start = Effect.fnUntraced(
  function*(id: string, options: { role?: NodeRole; before?: ReadonlyArray<Decision> } = {}) {
    const building = yield* Effect.forkScoped(
      Layer.build(nodeLayer(id, options.role ?? "IBPMonitor", options.before ?? []))
    )
    // Until it waits: before that, no time passes.
    yield* Effect.repeat(TestClock.adjust(0), { times: 20 })
    yield* pass(2)
    const services = yield* Fiber.join(building)
    return {
      id,
      official: Context.get(services, OfficialStatus),
      snapshots: Context.get(services, Snapshots),
      /** Puts other documents in place, as a reload finds them. */
      setDocuments: (documents: RawDocuments) =>
        Effect.andThen(setDocuments(documents), Config.use(({ reload }) => reload)).pipe(
          Effect.provideContext(services)
        ),
      conditions: Context.get(services, Conditions).current
    }
  }
)

type Node = Effect.Success<ReturnType<typeof start>>

const held = (node: Node) =>
  Effect.map(node.official.all, (all) => Object.fromEntries([...all.values()].map((o) => [o.target.member, o.up])))

/** A decision of some seconds before the start of the tests. */
const decided = (member: string, up: boolean, secondsAgo: number, id = `${member}@${secondsAgo}`): Decision =>
  decision({ id, target: targetNamed(member), up, error: up ? "" : "refused", decidedAt: epoch - secondsAgo * 1_000 })

const laterMember: RawDocuments["members"] = {
  later: {
    Details: { Name: "Later" },
    Membership: { MemberLevel: 5 },
    Service: { Active: 1, ServiceIPv4: "192.0.2.7", ServiceIPv6: "", MonitorUrl: "" },
    ServiceAssignments: {},
    Location: { Region: "", Latitude: 0, Longitude: 0 }
  } as any
}

const entryOf = (official: Decision): OfficialEntry => ({ official, newest: official, recent: [] })

/** As many nodes as that, none of which is there: each tells something else, and answers nothing. */
const invented = Effect.fnUntraced(function*(name: string, count: number) {
  const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name })), Bus)
  const at: Record<string, Array<number>> = {}
  yield* Messages.receive(Subject.Status, ({ To }) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (To?.startsWith(name)) (at[To] ??= []).push(now - epoch)
    })).pipe(
      Effect.provideService(Bus, bus)
    )
  const tell = Effect.forEach(
    Array.from({ length: count }, (_, i) => i),
    (i) =>
      Messages.send(Subject.Status, {
        Type: "digest",
        NodeID: `${name}-${i}`,
        NodeRole: "IBPMonitor",
        Count: i,
        Hash: `${i}`,
        From: 0
      }),
    { discard: true }
  ).pipe(Effect.provideService(Bus, bus))
  return { at, tell }
})

/** A peer that answers, with nothing, as late as it may, and is never through. */
const slowly = Effect.fnUntraced(function*(name: string) {
  const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name })), Bus)
  const head = { NodeID: name, NodeRole: "IBPMonitor", Count: 1, Hash: "slow" }
  let pages = 0
  yield* Messages.receive(
    Subject.Status,
    ({ From, To, Type }, { reply }) =>
      Type !== "ask" || reply === undefined || To !== name
        ? Effect.void
        : Effect.suspend(() => {
          pages++
          return Effect.andThen(
            Effect.sleep("900 millis"),
            bus.publish(reply, JSON.stringify({ ...head, From, Next: From + 1, Entries: [] }))
          )
        })
  ).pipe(Effect.provideService(Bus, bus))
  const tell = Messages.send(Subject.Status, { Type: "digest", ...head, From: 0 }).pipe(
    Effect.provideService(Bus, bus)
  )
  return { pages: () => pages, tell }
})

/** A peer that holds and says what it likes. */
const puppet = Effect.fnUntraced(
  function*(name: string, entries: ReadonlyArray<Decision>, page?: (from: number) => string) {
    const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name })), Bus)
    const digest = new StatusDigest()
    for (const { target, up } of entries) digest.add(targetKey(target), up)
    const { count: Count, hash: Hash } = digest.digest()
    const head = { NodeID: name, NodeRole: "IBPMonitor", Count, Hash }
    const asked: Array<number> = []
    yield* Messages.receive(Subject.Status, ({ From, To, Type }, { reply }) => {
      if (Type !== "ask" || reply === undefined || (To ?? name) !== name) return Effect.void
      if (To === undefined) return bus.publish(reply, JSON.stringify({ ...head, Entries: [] }))
      asked.push(From)
      return bus.publish(reply, page?.(From) ?? snapshotPage(head, entries.map(entryOf), From))
    }).pipe(Effect.provideService(Bus, bus))
    return {
      bus,
      head,
      asked,
      tell: Messages.send(Subject.Status, { Type: "digest", ...head, From: 0 }).pipe(Effect.provideService(Bus, bus))
    }
  }
)

const test = (
  name: string,
  body: Effect.Effect<void, unknown, MemoryBroker | Scope.Scope>
) =>
  it.effect(name, () =>
    body.pipe(
      (effect) => Effect.andThen(TestClock.setTime(epoch), effect),
      Effect.provide(MemoryBroker.layer),
      Random.withSeed(name)
    ))

describe("Snapshots", () => {
  test(
    "gives a node that starts the official status before it is there, with who decided it and when",
    Effect.gen(function*() {
      const before = [decided("A", false, 3_000), decided("B", true, 90_000)]
      yield* start("monitor-1", { before })
      const dns = yield* start("dns-1", { role: "IBPDns" })
      assert.deepStrictEqual([...(yield* dns.official.all).values()], before)
      assert.isTrue(yield* dns.snapshots.isFollowing)
    })
  )

  test(
    "takes what is newer and nothing that is older, in both directions",
    Effect.gen(function*() {
      const old = [decided("A", true, 900), decided("B", true, 900), decided("C", true, 900)]
      const one = yield* start("monitor-1", { before: [...old, decided("A", false, 500), decided("B", false, 800)] })
      const two = yield* start("dns-1", { role: "IBPDns", before: [...old, decided("B", true, 700)] })
      assert.deepStrictEqual(yield* held(two), { A: false, B: true, C: true })
      // monitor-1 hears of it with the digest of dns-1
      yield* pass(20)
      assert.deepStrictEqual(yield* held(one), { A: false, B: true, C: true })
    })
  )

  test(
    "orders by the decision that said the same last",
    Effect.gen(function*() {
      const confirmed = yield* start("monitor-1", {
        before: [decided("A", true, 900), decided("A", true, 300, "again")]
      })
      const other = yield* start("dns-1", {
        role: "IBPDns",
        before: [decided("A", true, 900), decided("A", false, 600)]
      })
      yield* pass(100)
      assert.deepStrictEqual(yield* held(other), { A: true })
      assert.deepStrictEqual(yield* held(confirmed), { A: true })
      const [status] = [...(yield* other.official.all).values()]
      assert.isAbove(status!.decidedAt, epoch - 600_000, "it begins after the one before it")
    })
  )

  test(
    "does not take targets that the documents do not know, nor times that our clock has not reached",
    Effect.gen(function*() {
      const ahead = epoch + clockTolerance + 10_000
      yield* puppet("liar", [decided("gone", false, 10), { ...decided("A", false, 0), decidedAt: ahead }])
      const node = yield* start("dns-1", { role: "IBPDns", before: [decided("A", true, 60)] })
      assert.deepStrictEqual(yield* held(node), { A: true })
      assert.strictEqual(yield* counted("geodns_snapshot_future_total"), 1)
    })
  )

  test(
    "takes what it did not know a moment after the documents know it: others had them first",
    Effect.gen(function*() {
      yield* puppet("monitor-1", [decided("A", true, 60), decided("Later", false, 10)])
      const node = yield* start("dns-1", { role: "IBPDns" })
      yield* pass(5)
      assert.deepStrictEqual(yield* held(node), { A: true })
      yield* node.setDocuments({ members: laterMember })
      yield* pass(5)
      assert.deepStrictEqual(yield* held(node), { A: true, Later: false })
    })
  )

  test(
    "repairs a lost decision within two minutes, and a reconnected node at once",
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const one = yield* start("monitor-1", { before: [decided("A", true, 60)] })
      const two = yield* start("dns-1", { role: "IBPDns" })
      yield* pass(30)
      yield* one.official.apply({ ...decided("A", false, 0), decidedAt: yield* Clock.currentTimeMillis })
      yield* pass(120)
      assert.deepStrictEqual(yield* held(two), { A: false })

      yield* broker.disconnect("dns-1")
      yield* one.official.apply({ ...decided("A", true, 0, "up"), decidedAt: yield* Clock.currentTimeMillis })
      yield* pass(2)
      assert.isFalse(yield* two.snapshots.isFollowing)
      yield* broker.reconnect("dns-1")
      yield* pass(2)
      assert.deepStrictEqual(yield* held(two), { A: true })
      assert.isTrue(yield* two.snapshots.isFollowing)
    })
  )

  test(
    "hears a node that gave something before within seconds, and one never heard within a minute, behind 256 invented ones",
    Effect.gen(function*() {
      const node = yield* start("dns-1", { role: "IBPDns" })
      yield* pass(40)
      const one = yield* start("monitor-1", { before: [decided("A", true, 60)] })
      // Also the half minute in which one is not asked again.
      yield* pass(60)
      assert.deepStrictEqual(yield* held(node), { A: true })
      yield* one.official.apply({ ...decided("A", false, 0), decidedAt: yield* Clock.currentTimeMillis })
      const evil = yield* invented("evil", 256)
      yield* evil.tell
      const { bus } = yield* puppet("speaker", [])
      const digest = new StatusDigest()
      digest.add(targetKey(targetNamed("A")), false)
      const { count: Count, hash: Hash } = digest.digest()
      // As it does by itself, some time.
      yield* Messages.send(Subject.Status, {
        Type: "digest",
        NodeID: "monitor-1",
        NodeRole: "IBPMonitor",
        Count,
        Hash,
        From: 0
      }).pipe(Effect.provideService(Bus, bus))
      yield* pass(4)
      assert.deepStrictEqual(yield* held(node), { A: false })

      // No room for this one in the lane while all of those wait.
      yield* pass(5)
      const { tell } = yield* puppet("monitor-2", [decided("A", false, 0), decided("B", true, 5)])
      yield* tell
      yield* pass(50)
      assert.deepStrictEqual(yield* held(node), { A: false, B: true })
    })
  )

  test(
    "asks one that does not answer less and less often, once each time, whatever it goes on telling",
    Effect.gen(function*() {
      yield* start("dns-1", { role: "IBPDns" })
      yield* pass(40)
      const evil = yield* invented("evil", 20)
      for (let i = 0; i < 40; i++) yield* Effect.andThen(evil.tell, pass(15))
      const asked = Object.values(evil.at)
      assert.lengthOf(asked, 20)
      for (const times of asked) {
        // In ten minutes: after 30 s, a minute, two, four.
        assert.isAtLeast(times.length, 4)
        assert.isAtMost(times.length, 6)
        assert.isAbove(times.at(-1)! - times.at(-2)!, 110_000)
      }
    })
  )

  test(
    "hears out those that answer at the start behind many that only say that they are there",
    Effect.gen(function*() {
      for (let i = 0; i < 20; i++) yield* puppet(`gone-${i}`, [decided(`X${i}`, true, 60)], () => "")
      yield* puppet("monitor-1", [decided("A", true, 60)])
      const node = yield* start("dns-1", { role: "IBPDns" })
      yield* pass(20)
      assert.deepStrictEqual(yield* held(node), { A: true })
    })
  )

  test(
    "is held up a minute at most by one that gives its pages as slowly as it can, and then hears the next",
    Effect.gen(function*() {
      const node = yield* start("dns-1", { role: "IBPDns" })
      yield* pass(40)
      const slow = yield* slowly("slow")
      yield* slow.tell
      yield* pass(10)
      const { tell } = yield* puppet(
        "monitor-1",
        [decided("A", true, 60), decided("B", true, 60)],
        (from) =>
          JSON.stringify({
            ...JSON.parse(
              snapshotPage({ NodeID: "monitor-1", NodeRole: "IBPMonitor", Count: 2, Hash: "h" }, [
                entryOf(decided(from === 0 ? "A" : "B", true, 60))
              ], 0)
            ),
            From: from,
            ...from === 0 && { Next: 1 }
          })
      )
      yield* tell
      yield* pass(30)
      const pagesBefore = slow.pages()
      assert.isAbove(pagesBefore, 20)
      yield* pass(45)
      assert.deepStrictEqual(yield* held(node), { A: true, B: true })
      yield* pass(25)
      assert.isBelow(slow.pages(), 80)
    })
  )

  test(
    "costs no pages while all agree",
    Effect.gen(function*() {
      const before = [decided("A", true, 60)]
      const pages = counted("geodns_snapshot_answers_total", { kind: "page" })
      const pagesBefore = yield* pages
      for (const id of ["monitor-1", "monitor-2", "monitor-3"]) yield* start(id, { before })
      yield* pass(600)
      assert.strictEqual(yield* pages, pagesBefore)
      assert.isAbove(yield* counted("geodns_snapshot_answers_total", { kind: "summary" }), 0)
    })
  )

  test(
    "asks a peer with other targets once, not with every digest",
    Effect.gen(function*() {
      const { asked, tell } = yield* puppet("monitor-9", [decided("A", true, 60), decided("gone", true, 60)])
      yield* start("dns-1", { role: "IBPDns", before: [decided("A", true, 60)] })
      for (let i = 0; i < 10; i++) yield* Effect.andThen(tell, pass(60))
      assert.deepStrictEqual(asked, [0])
    })
  )

  test(
    "keeps what it has when a stale peer says otherwise, and tells people when that lasts",
    Effect.gen(function*() {
      const { tell } = yield* puppet("stale", [decided("A", false, 7_200)])
      const node = yield* start("dns-1", { role: "IBPDns", before: [decided("A", true, 3_600)] })
      yield* pass(30)
      assert.deepStrictEqual(yield* held(node), { A: true })
      assert.deepStrictEqual(yield* node.conditions, [])
      for (let i = 0; i < 4; i++) yield* Effect.andThen(tell, pass(60))
      const [condition] = yield* node.conditions
      assert.strictEqual(condition?.name, "status:disagreement")
      assert.match(condition!.detail, /^stale holds something else for official on 1 target, as endpoint wss A /)
      assert.deepStrictEqual(yield* held(node), { A: true })

      yield* node.official.apply({ ...decided("A", false, 0), decidedAt: yield* Clock.currentTimeMillis })
      yield* pass(30)
      assert.deepStrictEqual(yield* node.conditions, [])
    })
  )

  test(
    "goes on with the good entries among broken ones, and ends with pages that never end",
    Effect.gen(function*() {
      const good = decided("A", false, 60)
      const head = { NodeID: "broken", NodeRole: "IBPMonitor", Count: 9, Hash: "x" }
      const { asked } = yield* puppet("broken", [good], (from) => {
        const { Entries } = JSON.parse(snapshotPage(head, [entryOf(good)], 0)) as { Entries: ReadonlyArray<unknown> }
        const Next = from < 3 ? from + 1 : 2
        return JSON.stringify({ ...head, From: from, Next, Entries: [null, 7, { ID: "" }, ...Entries] })
      })
      const node = yield* start("dns-1", { role: "IBPDns" })
      assert.deepStrictEqual(yield* held(node), { A: false })
      assert.deepStrictEqual(asked, [0, 1, 2, 3])
    })
  )

  test(
    "starts within two seconds without a bus and without peers, and asks again when somebody comes",
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      yield* broker.disconnect("dns-1")
      const cut = yield* start("dns-1", { role: "IBPDns" })
      const alone = yield* start("dns-2", { role: "IBPDns" })
      assert.isFalse(yield* cut.snapshots.isFollowing)
      assert.isFalse(yield* alone.snapshots.isFollowing)
      yield* start("monitor-1", { before: [decided("A", false, 60)] })
      yield* pass(10)
      assert.deepStrictEqual(yield* held(alone), { A: false })
      yield* broker.reconnect("dns-1")
      yield* pass(2)
      assert.deepStrictEqual(yield* held(cut), { A: false })
      const again = yield* Effect.forkScoped(cut.snapshots.catchUp)
      yield* pass(1)
      assert.deepStrictEqual(yield* Fiber.join(again), { answered: 2, changed: 0 })
    })
  )

  test(
    "answers where answers go only, and in a flood of questions only so much",
    Effect.gen(function*() {
      const before = Array.from({ length: 2_000 }, (_, i) => decided(`member ${i} ${"x".repeat(200)}`, true, 60))
      yield* start("monitor-1", { before })
      const asker = Context.get(yield* Layer.build(Bus.layerMemory({ name: "asker" })), Bus)
      const question = (To: string | undefined) =>
        JSON.stringify({
          Type: "ask",
          NodeID: "asker",
          NodeRole: "",
          Count: 0,
          Hash: "",
          ...To !== undefined && { To }
        })
      const victim = Context.get(yield* Layer.build(Bus.layerMemory({ name: "victim" })), Bus)
      const forged: Array<string> = []
      yield* (yield* victim.subscribe("consensus.finalize")).pipe(
        Stream.runForEach(({ data }) => Effect.sync(() => forged.push(data))),
        Effect.forkScoped
      )
      yield* asker.publish(Subject.Status.name, question("monitor-1"), "consensus.finalize")
      yield* asker.publish(Subject.Status.name, question(undefined), "consensus.finalize")
      yield* pass(1)
      assert.deepStrictEqual(forged, [])

      const inbox = yield* asker.subscribe("_INBOX.flood")
      let bytes = 0
      yield* inbox.pipe(
        Stream.runForEach(({ data }) => Effect.sync(() => bytes += data.length)),
        Effect.forkScoped
      )
      for (let i = 0; i < 1_000; i++) {
        yield* asker.publish(Subject.Status.name, question("monitor-1"), "_INBOX.flood")
        if (i % 50 === 0) yield* pass(0.1)
      }
      yield* pass(1)
      assert.isAbove(bytes, 1_000_000)
      assert.isAtMost(bytes, 32 * 1024 * 1024)
      assert.isAbove(yield* counted("geodns_bus_unanswered_total"), 700)
    })
  )
})
