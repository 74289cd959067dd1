import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Fiber, Layer, Random, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { messageCodec } from "../../src/bus/MessageCodec.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Config } from "../../src/config/Config.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import type { Certificate } from "../../src/domain/wire/Seal.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { followResults } from "../../src/status/followResults.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import { MonitorResults } from "../../src/status/MonitorResults.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Proofs } from "../../src/status/Proofs.ts"
import { maxPageBytes, pageOf, readEntry, snapshotPage, writeProof } from "../../src/status/snapshotPages.ts"
import { Snapshots, SnapshotWait } from "../../src/status/Snapshots.ts"
import { counted } from "../bus/counted.ts"
import { certificate, roster, rostersOf, vote } from "../consensus/sealed/fixtures.ts"
import { decision, targetNamed } from "./fixtures.ts"
import { provenBy, registering } from "./proving.ts"

const epoch = Date.parse("2026-04-21T08:00:00Z")

/** A step of a member's target, seen some seconds before the start of the tests. */
const step = (member: string, seq: number, secondsAgo = 10): Certificate =>
  certificate({ target: targetNamed(member), seq, at: epoch - secondsAgo * 1_000 })

/** What a node starts with. */
type Before =
  & { readonly role?: NodeRole }
  & (
    /** Certificates, as one that decides by them alone. */
    | {
      readonly certificates: ReadonlyArray<Certificate>
      readonly rosters?: ReturnType<typeof rostersOf>
      readonly later?: Deferred.Deferred<ReturnType<typeof rostersOf>>
      readonly members?: ReadonlyArray<string>
      readonly isUnchecked?: NonNullable<Parameters<typeof registering>[0]>["isUnchecked"]
    }
    /** Decisions, as one that believes. */
    | { readonly decisions: ReadonlyArray<Decision> }
  )

const nodeLayer = (id: string, before: Before) =>
  Layer.fresh(
    Snapshots.layer.pipe(
      Layer.provideMerge(
        "certificates" in before
          ? registering({
            ...before.rosters && { rosters: before.rosters },
            ...before.later && { later: before.later },
            ...before.members && { members: before.members },
            ...before.isUnchecked && { isUnchecked: before.isUnchecked },
            before: before.certificates
          })
          : Layer.effectDiscard(
            OfficialStatus.use(({ restore }) => Effect.forEach(before.decisions, (one) => restore(one)))
          )
      ),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provideMerge(Conditions.layerMemory),
      Layer.provideMerge(Bus.layerMemory({ name: id })),
      Layer.provideMerge(Config.layerMemory()),
      Layer.provide([
        NodeIdentity.layerMemory({ id, role: before.role ?? "IBPMonitor" }),
        DurableFiles.layerMemory,
        Layer.succeed(KnownTargets, () => ({ member }) => !member.startsWith("gone"))
      ])
    )
  )

const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let i = 0; i < 10 * seconds; i++) yield* TestClock.adjust(100)
})

const start = Effect.fnUntraced(function*(id: string, before: Before) {
  const building = yield* Effect.forkScoped(Layer.build(nodeLayer(id, before)))
  yield* Effect.repeat(TestClock.adjust(0), { times: 20 })
  yield* pass(2)
  const services = yield* Fiber.join(building)
  return {
    official: Context.get(services, OfficialStatus),
    proofs: Context.get(services as Context.Context<never>, Proofs),
    conditions: Context.get(services, Conditions).current
  }
})

/** The clock of a process that can be stopped for some milliseconds: its sleeps end as if nothing had been, and both its times are further. */
const stopping = Effect.map(Clock.Clock, (clock) => {
  let away = 0
  const wall = () => clock.currentTimeMillisUnsafe() + away
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(away) * 1_000_000n
  const monotonic = () => clock.monotonicTimeNanosUnsafe() + BigInt(away) * 1_000_000n
  const stopped: Clock.Clock = {
    ...clock,
    currentTimeMillisUnsafe: wall,
    currentTimeMillis: Effect.sync(wall),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic)
  }
  return {
    clock: stopped,
    stop: (millis: number) => {
      away += millis
    }
  }
})

const held = ({ official }: Effect.Success<ReturnType<typeof start>>) =>
  Effect.map(
    official.all,
    (all) => Object.fromEntries([...all.values()].map((o) => [o.target.member, o.proof?.seq ?? o.up]))
  )

/** A peer that says what it likes: these entries, one page of them, under a digest of its own. */
const puppet = Effect.fnUntraced(
  function*(name: string, entries: ReadonlyArray<unknown>, Hash = "ab".repeat(16)) {
    const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name })), Bus)
    const head = { NodeID: name, NodeRole: "IBPMonitor", Count: entries.length, Hash }
    const asked: Array<number> = []
    yield* Messages.receive(Subject.Status, ({ From, To, Type }, { reply }) => {
      if (Type !== "ask" || reply === undefined || (To ?? name) !== name) return Effect.void
      if (To !== undefined) asked.push(From)
      return bus.publish(reply, JSON.stringify({ ...head, From, Entries: To === undefined ? [] : entries }))
    }).pipe(Effect.provideService(Bus, bus))
    const tell = Messages.send(Subject.Status, { Type: "digest", ...head, From: 0 }).pipe(
      Effect.provideService(Bus, bus)
    )
    return { asked, tell }
  }
)

/** Somebody who tells as many nodes with digests of their own, none of which answers. */
const liars = Effect.fnUntraced(function*(name: string) {
  const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name })), Bus)
  const asked: Array<string> = []
  yield* Messages.receive(Subject.Status, ({ To }) => Effect.sync(() => To?.startsWith(name) && asked.push(To))).pipe(
    Effect.provideService(Bus, bus)
  )
  const tell = (count: number) =>
    Effect.forEach(Array.from({ length: count }, (_, i) => i), (i) =>
      Messages.send(Subject.Status, {
        Type: "digest",
        NodeID: `${name}-${i}`,
        NodeRole: "IBPMonitor",
        Count: 1,
        Hash: i.toString(16).padStart(32, "0"),
        From: 0
      }), { discard: true }).pipe(Effect.provideService(Bus, bus))
  return { asked, tell }
})

const test = (name: string, body: Effect.Effect<void, unknown, MemoryBroker | Scope.Scope>) =>
  it.effect(name, () =>
    body.pipe(
      (effect) => Effect.andThen(TestClock.setTime(epoch), effect),
      Effect.provide(MemoryBroker.layer),
      Random.withSeed(name)
    ))

describe("Snapshots where proofs are required", () => {
  test(
    "take a moment after a new roster what proved nothing by the one before",
    Effect.gen(function*() {
      const next = rostersOf(roster(), roster({ epoch: 2 }))
      const later = certificate({ target: targetNamed("A"), seq: 3, epoch: 2, at: epoch - 10_000 })
      yield* start("monitor-1", { certificates: [later], rosters: next })
      const taken = yield* Deferred.make<typeof next>()
      const dns = yield* start("dns-1", { role: "IBPDns", certificates: [], later: taken })
      yield* pass(60)
      assert.deepStrictEqual(yield* held(dns), {})
      yield* Deferred.succeed(taken, next)
      yield* pass(5)
      assert.deepStrictEqual(yield* held(dns), { A: 3 })
    })
  )

  test(
    "bring a node that was behind up by certificates alone, with the error, and both then say the same",
    Effect.gen(function*() {
      const one = yield* start("monitor-1", {
        certificates: [step("A", 1, 50), step("A", 2, 40), step("A", 3, 30), step("B", 2)]
      })
      const two = yield* start("dns-1", { role: "IBPDns", certificates: [step("A", 1, 50), step("C", 1)] })
      assert.deepStrictEqual(yield* held(two), { A: 3, B: 2, C: 1 })
      const [a] = [...(yield* two.official.all).values()]
      assert.deepStrictEqual([a?.error, a?.proof?.certificate], ["connection refused", step("A", 3, 30)])
      // The other one hears of C with the digest of this one.
      yield* pass(20)
      assert.deepStrictEqual(yield* held(one), { A: 3, B: 2, C: 1 })
      assert.deepStrictEqual(yield* one.proofs.digest, yield* two.proofs.digest)
      const pages = yield* counted("geodns_snapshot_answers_total", { kind: "page" })
      yield* pass(300)
      assert.strictEqual(yield* counted("geodns_snapshot_answers_total", { kind: "page" }), pages)
      assert.deepStrictEqual([...yield* one.conditions, ...yield* two.conditions], [])
    })
  )

  test(
    "bring a node up although somebody answers each of its questions before who was asked",
    Effect.gen(function*() {
      const outsider = Context.get(yield* Layer.build(Bus.layerMemory({ name: "outsider" })), Bus)
      const head = { NodeRole: "IBPMonitor", Count: 1, Hash: "ab".repeat(16) }
      let junk = 0
      yield* Messages.receive(Subject.Status, ({ From, NodeID, To, Type }, { reply }) => {
        if (Type !== "ask" || reply === undefined || To === undefined) return Effect.void
        junk++
        return Effect.forEach(
          [
            {},
            { ...head, NodeID: "outsider", From, Entries: [] },
            { ...head, NodeID, From, Entries: [] },
            { ...head, NodeID: To, From: From + 1, Entries: [] },
            { ...head, NodeID: To, From, Entries: "none" }
          ],
          (answer) => outsider.publish(reply, JSON.stringify(answer)),
          { discard: true }
        )
      }).pipe(Effect.provideService(Bus, outsider))
      yield* start("monitor-1", { certificates: [step("A", 3), step("B", 2)], members: ["monitor-1"] })
      const two = yield* start("dns-1", { role: "IBPDns", certificates: [], members: ["monitor-1"] })
      assert.deepStrictEqual(yield* held(two), { A: 3, B: 2 })
      assert.isAbove(junk, 0)
    })
  )

  test(
    "ask a node again that gave what was not looked at, and tell nobody that it disagrees",
    Effect.gen(function*() {
      const said: Array<string | undefined> = []
      const isUnchecked: NonNullable<Parameters<typeof registering>[0]>["isUnchecked"] = ({ T }, { from }) => {
        said.push(from)
        return Effect.map(Clock.currentTimeMillis, (now) => T.member === "B" && now < epoch + 20_000)
      }
      yield* start("monitor-1", { certificates: [step("A", 3), step("B", 2)], members: ["monitor-1"] })
      const two = yield* start("dns-1", { role: "IBPDns", certificates: [], members: ["monitor-1"], isUnchecked })
      assert.deepStrictEqual(yield* held(two), { A: 3 })
      yield* pass(200)
      assert.deepStrictEqual(yield* held(two), { A: 3, B: 2 })
      assert.deepStrictEqual([...new Set(said)], ["monitor-1"])
      assert.deepStrictEqual(yield* two.conditions, [])
    })
  )

  test(
    "bring a node that was stopped for a while up within seconds, and ask once",
    Effect.gen(function*() {
      const one = yield* start("monitor-1", { certificates: [step("A", 2)] })
      const { clock, stop } = yield* stopping
      const two = yield* start("monitor-2", { certificates: [step("A", 2)] }).pipe(
        Effect.provideService(Clock.Clock, clock)
      )
      yield* pass(20)
      yield* one.proofs.offer(step("A", 3))
      yield* pass(8)
      assert.deepStrictEqual(yield* held(two), { A: 2 }, "it does not know that it missed something")
      const summaries = yield* counted("geodns_snapshot_answers_total", { kind: "summary" })
      stop(60_000)
      yield* pass(8)
      assert.deepStrictEqual(yield* held(two), { A: 3 })
      yield* pass(10)
      assert.strictEqual((yield* counted("geodns_snapshot_answers_total", { kind: "summary" })) - summaries, 1)
    })
  )

  test(
    "are moved by nothing that a liar says",
    Effect.gen(function*() {
      const truth = [step("A", 2), step("B", 1)]
      const word = JSON.parse(
        snapshotPage({ NodeID: "x", NodeRole: "", Count: 1, Hash: "" }, [{
          official: decision({ id: "lie", target: targetNamed("A"), decidedAt: epoch }),
          newest: { id: "lie", decidedAt: epoch },
          recent: []
        }], 0)
      ).Entries[0]
      const high = certificate({ target: targetNamed("A"), seq: 5, at: epoch })
      const lies: ReadonlyArray<unknown> = [
        word,
        { ...word, Seq: 7 },
        { ...word, Seq: 5, Certificate: { ...high, votes: [high.votes[0]!] } },
        { ...word, Seq: 5, Certificate: { ...high, votes: step("A", 3).votes } },
        { ...word, Seq: 5, Certificate: { ...high, votes: [vote("x", { seq: 5 }), vote("y", { seq: 5 })] } },
        { Seq: 3, Certificate: { ...step("B", 1), seq: 3 } },
        // Of another target than it says: it counts for its own, where it is nothing new.
        { ...word, Seq: 1, Certificate: step("B", 1) },
        // Older than ours, and of what the documents do not know.
        { Seq: 1, Certificate: step("A", 1) },
        { Seq: 1, Certificate: step("gone", 1) },
        null,
        { Certificate: "x" }
      ]
      const liar = yield* puppet("liar", lies)
      const unproven = yield* counted("geodns_snapshot_unproven_total")
      const node = yield* start("dns-1", { certificates: truth })
      const before = [...(yield* node.official.all).values()]
      for (let i = 0; i < 4; i++) yield* Effect.andThen(liar.tell, pass(60))
      assert.deepStrictEqual([...(yield* node.official.all).values()], before)
      assert.deepStrictEqual(yield* held(node), { A: 2, B: 1 })
      assert.deepStrictEqual(liar.asked, [0])
      assert.strictEqual((yield* counted("geodns_snapshot_unproven_total")) - unproven, 8)
      const [condition] = yield* node.conditions
      assert.strictEqual(condition?.name, "status:disagreement")
      assert.match(
        condition!.detail,
        /^liar shows certificates for 4 targets, as .* that prove nothing by our roster\. /
      )
    })
  )

  test(
    "bring the news of a member within seconds, however many invented nodes tell something else first",
    Effect.gen(function*() {
      const node = yield* start("dns-1", { certificates: [step("A", 1)], members: ["monitor-1"] })
      const evil = yield* liars("evil")
      // It asks everyone some times while nobody is there.
      yield* pass(40)
      const member = yield* puppet("monitor-1", [{ Seq: 2, Certificate: step("A", 2) }])
      yield* evil.tell(256)
      yield* member.tell
      yield* pass(5)
      assert.deepStrictEqual(yield* held(node), { A: 2 })
      // Each was asked once, a few at a time. One of them had to make room for the member.
      yield* pass(35)
      assert.strictEqual(evil.asked.length, 255)
      assert.strictEqual(new Set(evil.asked).size, 255)
    })
  )

  test(
    "say so when certificates are by a roster that is not known here, and take them when it is",
    Effect.gen(function*() {
      const members = roster().members.filter(({ id }) => id !== "m5")
      const both = rostersOf(roster(), roster({ epoch: 2, members }))
      const newer = certificate({ epoch: 2, target: targetNamed("A"), seq: 2, at: epoch })
      yield* start("monitor-1", { certificates: [newer], rosters: both })
      const late = yield* start("monitor-2", { certificates: [] })
      assert.deepStrictEqual(yield* held(late), {})
      yield* pass(400)
      assert.deepStrictEqual((yield* late.conditions).map(({ name }) => name), ["status:disagreement"])
      const knows = yield* start("monitor-3", { certificates: [], rosters: both })
      // Late by now: it stands in the register, and what follows waits.
      assert.deepStrictEqual(yield* knows.proofs.certificateOf(targetNamed("A")), newer)
    })
  )

  test(
    "ask nobody who goes by times, and tell those what is official here",
    Effect.gen(function*() {
      const old = decision({ id: "p1", target: targetNamed("B"), decidedAt: epoch - 60_000 })
      const open = yield* start("monitor-1", { decisions: [old] })
      const sealed = yield* start("monitor-2", { certificates: [step("A", 1)] })
      yield* pass(100)
      assert.deepStrictEqual(yield* held(sealed), { A: 1 })
      // In its own order, as a decision like any other.
      assert.deepStrictEqual(yield* held(open), { A: false, B: false })
      const [, told] = [...(yield* open.official.all).values()]
      const { proof: _, ...decided } = provenBy(step("A", 1))
      assert.deepStrictEqual(told, { ...decided, votes: {} })
    })
  )

  test(
    "take nothing from the results of a monitor",
    Effect.gen(function*() {
      const Results = [{ MemberName: "A", Status: true, Checktime: "2026-04-21T08:00:00Z" }]
      const answer = JSON.stringify({
        SiteResults: [{ CheckName: "ping", Results }],
        DomainResults: null,
        EndpointResults: null
      })
      let asked = 0
      const results = MonitorResults.layerMemory({
        host: "monitor-1:6101",
        answer: Effect.sync(() => {
          asked++
          return answer
        })
      })
      const layer = (proofs: typeof Proofs.Service) =>
        followResults.pipe(
          Layer.provideMerge(OfficialStatus.layer),
          Layer.provide(Layer.succeed(Snapshots, {
            catchUp: Effect.succeed({ answered: 0, changed: 0 }),
            isFollowing: Effect.succeed(false)
          })),
          Layer.provideMerge(Conditions.layerMemory),
          Layer.provide([
            results,
            DurableFiles.layerMemory,
            Config.layerMemory({ local: { DnsApi: { MonitorAddress: "monitor-1", RefreshIntervalSeconds: 10 } } }),
            Layer.succeed(KnownTargets, () => () => true),
            Layer.succeed(Proofs, proofs)
          ]),
          Layer.fresh
        )
      const run = Effect.fnUntraced(function*(isRequired: boolean) {
        const proofs = { ...yield* Proofs, isRequired }
        const building = yield* Effect.forkScoped(Layer.build(layer(proofs)))
        yield* Effect.repeat(TestClock.adjust(0), { times: 20 })
        yield* pass(30)
        const services = yield* Fiber.join(building)
        return (yield* Context.get(services, OfficialStatus).all).size
      })
      assert.strictEqual(yield* run(true), 0)
      assert.strictEqual(asked, 0)
      assert.strictEqual(yield* run(false), 1)
    })
  )
})

describe("pages of certificates", () => {
  const head = { NodeID: "monitor-1", NodeRole: "IBPMonitor", Count: 30_000, Hash: "0".repeat(32) }
  const { decode } = messageCodec(Subject.StatusReply)
  const read = (text: string) => Result.getOrThrow(decode(text))
  /** 64 voters with names of 40 characters, and signatures as long as those of Ed25519. */
  const wide = (member: string): Certificate => ({
    ...step(member, 1),
    votes: Array.from({ length: 64 }, (_, i) => ({
      voter: `monitor-${i}`.padEnd(40, "x"),
      observedAt: "2026-04-21T08:00:00.123456789Z",
      sig: `ed25519:${"A".repeat(86)}`
    }))
  })

  it("hold 30,000 targets, of up to 64 votes each, far below what the broker takes", () => {
    const certificates = Array.from(
      { length: 30_000 },
      (_, i) => i % 100 === 0 ? wide(`Žluťoučký ${i}`) : step(`Žluťoučký ${i}`, 1 + i % 2)
    )
    const text = (i: number) => writeProof(certificates[i]!, provenBy(certificates[i]!, { error: "🐎".repeat(500) }))
    assert.isBelow(Buffer.byteLength(text(0)), 17 * 1024)
    let from: number | undefined = 0
    let entries = 0
    const took: Array<number> = []
    while (from !== undefined) {
      const began = performance.now()
      const page = pageOf(head, certificates.length, from, text)
      took.push(performance.now() - began)
      assert.isAtMost(Buffer.byteLength(page), maxPageBytes)
      const answer = read(page)
      entries += answer.Entries.length
      from = answer.Next
    }
    assert.strictEqual(entries, certificates.length)
    // Each is written in one go. Not the longest: others use the machine, too.
    assert.isBelow(took.sort((a, b) => a - b)[took.length >> 1]!, 20)
  })

  it("have nothing but the certificate while it is not official, and read as a status by who goes by times when it is", () => {
    const one = step("A", 1)
    assert.deepStrictEqual(JSON.parse(writeProof(one, undefined)), { Seq: 1, Certificate: one })
    assert.deepStrictEqual(JSON.parse(writeProof(step("A", 2), provenBy(one))), { Seq: 2, Certificate: step("A", 2) })
    const { proof: _, ...decided } = provenBy(one)
    const entry = JSON.parse(writeProof(one, provenBy(one)))
    assert.deepStrictEqual(entry.Certificate, one)
    assert.deepStrictEqual(readEntry(entry)?.decision, { ...decided, votes: {} })
    assert.deepStrictEqual(readEntry({ ...entry, Seq: "x", Certificate: 7 })?.decision, { ...decided, votes: {} })
  })
})

describe("taking 30,000 certificates", () => {
  it.live("lets others have their turn after every few of them", () =>
    Effect.gen(function*() {
      const certificates = Array.from({ length: 30_000 }, (_, i) => step(`m${i}`, 2))
      const build = (name: string, before: ReadonlyArray<Certificate>) =>
        Layer.build(nodeLayer(name, { certificates: before })).pipe(
          Effect.provideService(SnapshotWait, "0 millis"),
          Effect.map((services) => Context.get(services as Context.Context<never>, Proofs))
        )
      yield* build("monitor-1", certificates)
      const { digest } = yield* build("monitor-2", [])
      let last = (yield* digest).count
      let most = 0
      // Somebody else, who looks how far it is whenever it is his turn.
      yield* Effect.flatMap(digest, ({ count }) =>
        Effect.sync(() => {
          most = Math.max(most, count - last)
          last = count
        })).pipe(
          Effect.andThen(Effect.yieldNow),
          Effect.repeat({ until: () => last === certificates.length }),
          Effect.timeout("90 seconds")
        )
      assert.isAbove(most, 0)
      assert.isAtMost(most, 16)
    }).pipe(Effect.scoped, Effect.provide(MemoryBroker.layer)), 120_000)
})
