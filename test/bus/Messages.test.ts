import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Queue, Random, References, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { maxMessageBytes } from "../../src/bus/MessageSize.ts"
import type { Proposal, Vote } from "../../src/domain/wire/Consensus.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { counted } from "./counted.ts"

const connect = (name: string) =>
  Effect.map(Layer.build(Bus.layerMemory({ name })), (context) => Context.get(context, Bus))

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, `../fixtures/wire/${name}.json`), "utf8")

const vote = (id: string): Vote => ({ ProposalID: id, SenderNodeID: "m", NodeID: "m", Agree: true, Timestamp: 0 })

/** Lines that were logged, with their annotations. */
const capture = () => {
  const lines: Array<{ readonly message: unknown; readonly annotations: Readonly<Record<string, unknown>> }> = []
  const logger = Logger.make(({ fiber, message }) => {
    lines.push({ message, annotations: fiber.getRef(References.CurrentLogAnnotations) })
  })
  return { lines, layer: Logger.layer([logger]) }
}

describe("send and receive", () => {
  it.effect("carry values and reply subjects, in order", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const received: Array<readonly [Vote, string | undefined]> = []
      yield* Messages.receive(Subject.Cast, (value, { reply }) => Effect.sync(() => received.push([value, reply])))
        .pipe(
          Effect.provideService(Bus, b)
        )
      yield* Effect.provideService(Messages.send(Subject.Cast, vote("1")), Bus, a)
      yield* Effect.provideService(Messages.send(Subject.Cast, vote("2"), "t.reply"), Bus, a)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(received, [[vote("1"), undefined], [vote("2"), "t.reply"]])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("send nothing that nobody would take", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const bus = yield* connect("a")
      const proposal: Proposal = {
        ID: "1",
        SenderNodeID: "m",
        CheckType: "site",
        CheckName: "ping",
        MemberName: "Lagoon",
        DomainName: "",
        Endpoint: "",
        ProposedStatus: true,
        ErrorText: "",
        Data: null,
        IsIPv6: false,
        Timestamp: 0
      }
      const fails = (value: Proposal) =>
        Messages.send(Subject.Propose, value).pipe(Effect.provideService(Bus, bus), Effect.flip)
      const cyclic: Array<unknown> = []
      cyclic.push(cyclic)
      const deep = JSON.parse("[".repeat(20_000) + "]".repeat(20_000)) as unknown
      for (
        const unencodable of [
          { ...proposal, ID: "" },
          { ...proposal, Timestamp: Number.NaN },
          { ...proposal, Data: { cyclic } },
          { ...proposal, Data: { deep } },
          { ...proposal, Data: { n: 1n } }
        ]
      ) {
        const { message, reason } = yield* fails(unencodable)
        assert.strictEqual(reason._tag, "Unencodable")
        assert.include(message, "consensus.propose")
      }
      const { reason } = yield* fails({ ...proposal, ErrorText: "ž".repeat(Subject.Propose.maxBytes / 2) })
      assert.deepInclude(reason, { _tag: "TooLong", limit: Subject.Propose.maxBytes })
      yield* broker.disconnect("a")
      assert.strictEqual((yield* fails(proposal)).reason._tag, "Disconnected")
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("go on after a handler that fails, throws, dies or interrupts", () => {
    const { layer, lines } = capture()
    return Effect.gen(function*() {
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const received: Array<string> = []
      const trouble: Readonly<Record<string, () => Effect.Effect<void, string>>> = {
        fails: () => Effect.fail("no"),
        throws: () => {
          throw new Error("no")
        },
        dies: () => Effect.die("no"),
        interrupts: () => Effect.interrupt
      }
      yield* Messages.receive(Subject.Cast, ({ ProposalID }) => {
        received.push(ProposalID)
        return trouble[ProposalID]?.() ?? Effect.void
      }).pipe(Effect.provideService(Bus, b))
      const all = [...Object.keys(trouble), "well"]
      for (const id of all) yield* Effect.provideService(Messages.send(Subject.Cast, vote(id)), Bus, a)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(received, all)
      assert.deepStrictEqual(lines.map(({ annotations }) => annotations["count"]), [1])
      yield* TestClock.adjust("1 minute")
      yield* Effect.provideService(Messages.send(Subject.Cast, vote("dies")), Bus, a)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(lines.map(({ annotations }) => annotations["count"]), [1, 4])
    }).pipe(Effect.provide([MemoryBroker.layer, layer]))
  })

  it.effect("end with their scope, without a word", () => {
    const { layer, lines } = capture()
    return Effect.gen(function*() {
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const scope = yield* Scope.make()
      const received: Array<string> = []
      const waiting = yield* Queue.unbounded<void>()
      yield* Messages.receive(Subject.Cast, ({ ProposalID }) => {
        received.push(ProposalID)
        return Queue.take(waiting)
      }).pipe(Effect.provideService(Bus, b), Scope.provide(scope))
      yield* Effect.provideService(Messages.send(Subject.Cast, vote("1")), Bus, a)
      yield* Effect.provideService(Messages.send(Subject.Cast, vote("2")), Bus, a)
      yield* TestClock.adjust(0)
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* Queue.offer(waiting, undefined)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(received, ["1"])
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide([MemoryBroker.layer, layer]))
  })
})

/** Every subject with a message that it takes, a key of it, and a value that this key cannot have. */
const subjects: ReadonlyArray<readonly [Subject.Subject<any>, string, string, unknown]> = [
  [Subject.Cluster, sample("consensus.cluster.join"), "sender", { NodeID: "" }],
  [Subject.Propose, sample("consensus.propose.offline"), "ID", 7],
  [Subject.Cast, sample("consensus.vote.agree"), "NodeID", ["MONITOR-1"]],
  [Subject.Finalize, sample("consensus.finalize.passed"), "Proposal", "none"],
  [Subject.GetUsage, sample("dns.usage.getUsage"), "startDate", "yesterday"],
  [Subject.UsageData, sample("dns.usage.usageData"), "usageRecords", { length: 1e9 }],
  [Subject.GetDowntime, sample("monitor.stats.getDowntime"), "startTime", ""]
]

/** One message that nobody can take, of many kinds. */
const garbageFor = (random: Random.Random, [subject, valid, key, wrong]: (typeof subjects)[number]): string => {
  const int = (max: number) => Math.floor(random.nextDoubleUnsafe() * max)
  const chars = (max: number, codes: number) =>
    Array.from({ length: 1 + int(max) }, () => String.fromCharCode(int(codes))).join("")
  const parsed = JSON.parse(valid) as Record<string, unknown>
  const depth = 10_000
  const kinds: ReadonlyArray<() => string> = [
    () => `\u0000${chars(200, 256)}`,
    () => `\uD800${chars(200, 65_536)}`,
    () => "",
    () => valid.slice(0, int(valid.length - 1)),
    () => `${valid}${valid}`,
    () => `[${valid}]`,
    () => JSON.stringify(valid),
    () => ["null", "true", "-0", "1e999", "9".repeat(5_000), "[]", '""', "undefined", "NaN"][int(9)]!,
    () => JSON.stringify({ ...parsed, [key]: wrong }),
    () => JSON.stringify({ ...parsed, [key]: { [chars(5, 128)]: random.nextDoubleUnsafe() * 1e300 } }),
    () =>
      `{"__proto__":${valid},"constructor":{"prototype":{"polluted":true}},"toString":1,"${key}":${
        JSON.stringify(wrong)
      }}`
  ]
  const deep: ReadonlyArray<() => string> = [
    () => "[".repeat(depth),
    () => "[".repeat(depth) + "]".repeat(depth),
    () => '{"a":'.repeat(depth),
    () => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`,
    () => `${valid.slice(0, -1)},"Data":${"[".repeat(depth)}${"]".repeat(depth)}}`,
    () => "x".repeat(Math.min(subject.maxBytes + 1, maxMessageBytes))
  ]
  const chosen = random.nextDoubleUnsafe() < 0.005 ? deep : kinds
  return chosen[int(chosen.length)]!()
}

const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc")
  const gc: unknown = runInNewContext("gc")
  if (typeof gc === "function") gc()
}

describe("garbage", () => {
  it.effect("of 10,000 messages on every subject disturbs nothing, and is told about once a minute", () => {
    const { layer, lines } = capture()
    const rounds = 40
    const perRound = 250
    return Effect.gen(function*() {
      const random = yield* Random.Random
      const [attacker, victim] = yield* Effect.all([connect("attacker"), connect("victim")])
      const taken = yield* Queue.unbounded<string>()
      let values = 0
      for (const [subject] of subjects) {
        yield* Messages.receive(subject, () => {
          values++
          return Queue.offer(taken, subject.name)
        }).pipe(Effect.provideService(Bus, victim))
      }
      const before = yield* Effect.forEach(
        subjects,
        ([{ name }]) => counted("geodns_bus_garbage_total", { subject: name })
      )
      let heap = 0
      for (let round = 1; round <= rounds; round++) {
        for (const kind of subjects) {
          const [subject, valid] = kind
          for (let i = 0; i < perRound; i++) yield* attacker.publish(subject.name, garbageFor(random, kind))
          yield* attacker.publish(subject.name, valid)
          assert.strictEqual(yield* Queue.take(taken), subject.name)
        }
        if (round === rounds / 4 || round === rounds) {
          collectGarbage()
          const used = process.memoryUsage().heapUsed
          if (round === rounds) assert.isBelow(used - heap, 16 * 1024 * 1024)
          heap = used
        }
      }
      assert.strictEqual(values, rounds * subjects.length)
      const after = yield* Effect.forEach(
        subjects,
        ([{ name }]) => counted("geodns_bus_garbage_total", { subject: name })
      )
      assert.deepStrictEqual(after.map((count, i) => count - before[i]!), subjects.map(() => rounds * perRound))
      assert.isUndefined(({} as Record<string, unknown>)["polluted"])

      assert.strictEqual(lines.length, subjects.length)
      yield* TestClock.adjust("1 minute")
      for (const [subject] of subjects) yield* attacker.publish(subject.name, "\u001b[31m\n".repeat(1000))
      yield* TestClock.adjust(0)
      assert.strictEqual(lines.length, 2 * subjects.length)
      for (const { annotations } of lines.slice(-subjects.length)) {
        assert.strictEqual(annotations["count"], rounds * perRound)
        for (const key of ["problem", "message"]) {
          const text = String(annotations[key])
          assert.match(text, /^[^\p{Cc}]+$/u)
          assert.isBelow(text.length, 1200)
        }
      }
    }).pipe(Effect.provide([MemoryBroker.layer, layer]), Random.withSeed("garbage"))
  }, 60_000)

  it.effect("does not let free data through that could not be sent on", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const received: Array<Proposal> = []
      yield* Messages.receive(Subject.Propose, (value) => Effect.sync(() => received.push(value))).pipe(
        Effect.provideService(Bus, b)
      )
      const forwarded = yield* a.subscribe(Subject.Finalize.name)
      for (const depth of [1, 20, 60, 100, 15_000]) {
        const nested = "[".repeat(depth) + "]".repeat(depth)
        yield* a.publish(
          Subject.Propose.name,
          sample("consensus.propose.offline").replace('"Data":null', `"Data":{"nested":${nested}}`)
        )
      }
      yield* TestClock.adjust(0)
      assert.strictEqual(received.length, 3)
      for (const Proposal of received) {
        yield* Messages.send(Subject.Finalize, { Proposal, SenderNodeID: "b", Passed: true, DecidedAt: 0 }).pipe(
          Effect.provideService(Bus, b)
        )
      }
      assert.strictEqual((yield* forwarded.pipe(Stream.take(3), Stream.runCollect)).length, 3)
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
