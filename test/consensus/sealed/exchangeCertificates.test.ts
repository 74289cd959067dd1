import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../../src/bus/Bus.ts"
import { MemoryBroker } from "../../../src/bus/MemoryBroker.ts"
import * as Messages from "../../../src/bus/Messages.ts"
import { certificatePage } from "../../../src/consensus/sealed/certificatePages.ts"
import { exchangeCertificates } from "../../../src/consensus/sealed/exchangeCertificates.ts"
import { type Target, targetKey } from "../../../src/domain/Target.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import { NodeIdentity } from "../../../src/node/NodeIdentity.ts"
import { certificate, target } from "./fixtures.ts"

const named = (member: string): Target => ({ ...target, member })

const pass = (seconds: number) => Effect.repeat(TestClock.adjust(100), { times: 10 * seconds })

/** The exchange of a node that is behind on everything, and what came, by when. */
const behind = Effect.gen(function*() {
  const bus = Layer.fresh(Bus.layerMemory({ name: "m1" }))
  const services = yield* Layer.build(Layer.merge(bus, NodeIdentity.layerMemory({ id: "m1", role: "IBPMonitor" })))
  const came: Record<string, { readonly seq: number; readonly at: number; readonly from: string | undefined }> = {}
  const kept = new Map<string, Certificate>()
  const exchange = yield* exchangeCertificates({
    certificates: { all: () => [...kept.values()], get: (of) => kept.get(targetKey(of)) },
    deliver: (one, from) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        kept.set(targetKey(one.T), one)
        came[one.T.member] = { seq: one.seq, at, from }
      })
  }).pipe(Effect.provideContext(services))
  return { came, exchange }
})

/** A node that has these certificates, and counts what it is asked. */
const answering = Effect.fnUntraced(function*(name: string, certificates: ReadonlyArray<Certificate>) {
  const bus = Context.get(yield* Layer.build(Layer.fresh(Bus.layerMemory({ name }))), Bus)
  const asked: Array<string> = []
  yield* Messages.receive(Subject.Certificates, ({ Seq = 0, Target, To }, { reply }) => {
    if (reply === undefined || Target === undefined || (To ?? name) !== name) return Effect.void
    asked.push(Target.member)
    const mine = certificates.find(({ T, seq }) => targetKey(T) === targetKey(Target) && seq >= Seq)
    return mine === undefined ? Effect.void : bus.publish(reply, certificatePage(name, [mine], 0))
  }).pipe(Effect.provideService(Bus, bus))
  return asked
})

describe("exchangeCertificates", () => {
  it.effect("fetches what others made it ask for at once, although one of them made it ask for thousands", () =>
    Effect.gen(function*() {
      const { came, exchange } = yield* behind
      const asked = yield* answering("m2", [certificate({ target: named("A"), seq: 3 })])
      yield* pass(1)
      for (let i = 0; i < 5_000; i++) {
        yield* exchange.fetch({ target: named(`X${i}`), seq: 1_000_000, from: "m3" })
      }
      yield* pass(1)
      const at = yield* Clock.currentTimeMillis
      yield* exchange.fetch({ target: named("A"), seq: 3, from: "m2" })
      yield* pass(1)
      assert.strictEqual(came["A"]?.seq, 3)
      assert.isAtMost(came["A"]!.at - at, 200)
      // The others have their turn, four at a time for two seconds, as many as fit.
      yield* pass(200)
      assert.isAtMost(asked.length, 500)
      assert.isAbove(asked.length, 200)
    }).pipe(Effect.scoped, Effect.provide(MemoryBroker.layer)))

  it.effect("is not kept from it by who answers first, with no answers, those of others or for others", () =>
    Effect.gen(function*() {
      const { came, exchange } = yield* behind
      const bus = Context.get(yield* Layer.build(Layer.fresh(Bus.layerMemory({ name: "outsider" }))), Bus)
      const old = certificate({ target: named("A"), seq: 1 })
      const other = certificate({ target: named("B"), seq: 3 })
      const junk = [
        "{}",
        certificatePage("outsider", [certificate({ target: named("A"), seq: 3 })], 0).replace("outsider", "m1"),
        certificatePage("m2", [], 0),
        certificatePage("m2", [old], 0),
        certificatePage("m2", [other], 0),
        JSON.stringify({ NodeID: "m2", Certificates: [{ ...other, T: named("A"), seq: "3" }] })
      ]
      const asked: Array<string | undefined> = []
      yield* Messages.receive(Subject.Certificates, ({ To }, { reply }) => {
        asked.push(To)
        return Effect.forEach([...junk, ...junk, ...junk], (text) => bus.publish(reply!, text), { discard: true })
      }).pipe(Effect.provideService(Bus, bus))
      yield* answering("m2", [certificate({ target: named("A"), seq: 3 })])
      yield* pass(1)
      yield* exchange.fetch({ target: named("A"), seq: 3, from: "m2" })
      yield* pass(1)
      assert.strictEqual(came["A"]?.seq, 3)
      assert.deepStrictEqual(asked, ["m2"])
      assert.deepStrictEqual(came["A"]?.from, "m2")
      // Nor where everybody is asked.
      yield* exchange.fetch({ target: named("A"), seq: 4, from: "m3" })
      yield* answering("m4", [certificate({ target: named("A"), seq: 4 })])
      yield* pass(3)
      assert.strictEqual(came["A"]?.seq, 4)
      assert.deepStrictEqual(came["A"]?.from, "m4")
    }).pipe(Effect.scoped, Effect.provide(MemoryBroker.layer)))

  it.effect("gets the step that there is where one says that it is at another", () =>
    Effect.gen(function*() {
      const { came, exchange } = yield* behind
      yield* answering("m2", [certificate({ target: named("A"), seq: 3 })])
      yield* pass(1)
      yield* exchange.fetch({ target: named("A"), seq: 1_000_000, from: "m3" })
      yield* pass(3)
      assert.strictEqual(came["A"]?.seq, 3)
    }).pipe(Effect.scoped, Effect.provide(MemoryBroker.layer)))
})
