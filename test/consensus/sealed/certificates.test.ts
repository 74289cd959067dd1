import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../../src/bus/Bus.ts"
import { MemoryBroker } from "../../../src/bus/MemoryBroker.ts"
import { certificatePage, readCertificates } from "../../../src/consensus/sealed/certificatePages.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import { meet, outsider, overhear, settle, startNode, statuses } from "../cluster.ts"
import { certificate, target } from "./fixtures.ts"

const many = Array.from({ length: 100 }, (_, i) => certificate({ target: { ...target, member: `Member ${i}` } }))

describe("pages of certificates", () => {
  it("hold all of them in the end, each page as many as fit", () => {
    const all: Array<unknown> = []
    let from: number | undefined = 0
    let pages = 0
    while (from !== undefined) {
      const text: string = certificatePage("m1", many, from, 8_192)
      assert.isAtMost(text.length, 8_192 + 100)
      const page: { readonly Next?: number; readonly Certificates: ReadonlyArray<unknown> } = JSON.parse(text)
      all.push(...readCertificates(page.Certificates, 1_000))
      from = page.Next
      pages++
    }
    assert.deepStrictEqual(all, many)
    assert.isAbove(pages, 3)
    // One at least, however long it is.
    assert.lengthOf(JSON.parse(certificatePage("m1", many, 7, 1)).Certificates, 1)
    assert.deepStrictEqual(JSON.parse(certificatePage("m1", many, 1_000)).Certificates, [])
  })

  it("leave out what is none, and what is too many", () => {
    assert.deepStrictEqual(readCertificates([7, many[0]!, { ...many[1]!, seq: -1 }, many[2]], 3), [many[0]!])
  })
})

describe("geodns.v1.certificates", () => {
  it.effect("is answered at inboxes, with what is asked for and there", () =>
    Effect.gen(function*() {
      const nodes = yield* Effect.forEach(["m1", "m2", "m3"], (id) => startNode(id))
      yield* meet
      yield* nodes[0]!.propose(false)
      yield* settle
      const bus = Context.get(yield* Layer.build(Layer.fresh(Bus.layerMemory({ name: "asker" }))), Bus)
      const ask = (question: object) =>
        Effect.gen(function*() {
          const asking = yield* Effect.forkChild(
            bus.askAll(
              Subject.Certificates.name,
              JSON.stringify({ Type: "ask", NodeID: "asker", ...question }),
              { wait: "1 second" }
            ),
            { startImmediately: true }
          )
          yield* Effect.repeat(settle, { times: 4 })
          const answers = yield* Fiber.join(asking)
          return answers.map(({ data }) => JSON.parse(data)).map(({ Certificates, NodeID }) => [
            NodeID,
            Certificates.map(({ seq }: { readonly seq: number }) => seq)
          ])
        })
      assert.lengthOf(yield* ask({ Target: target }), 3)
      assert.deepStrictEqual(yield* ask({ Target: target, To: "m2" }), [["m2", [1]]])
      assert.deepStrictEqual(yield* ask({ To: "m2" }), [["m2", [1]]])
      // Who does not have what is asked for leaves it to others.
      assert.deepStrictEqual(yield* ask({ Target: target, Seq: 2 }), [])
      assert.deepStrictEqual(yield* ask({ Target: { ...target, member: "Nobody" } }), [])
      // A question must not make anybody speak on another subject.
      const votes = yield* overhear("ear", Subject.Cast)
      yield* bus.publish(
        Subject.Certificates.name,
        JSON.stringify({ Type: "ask", NodeID: "asker", Target: target }),
        Subject.Cast.name
      )
      yield* settle
      assert.deepStrictEqual(votes, [])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("tells who is behind what is proved since, and a flood of forged ones moves nothing", () =>
    Effect.gen(function*() {
      const nodes = yield* Effect.forEach(["m1", "m2", "m3"], (id) => startNode(id))
      const decided = yield* overhear("ear", Subject.Finalize)
      const told = yield* overhear("ear-2", Subject.Certificates)
      yield* meet
      yield* nodes[0]!.propose(false)
      yield* settle
      yield* Effect.forEach(nodes, ({ sees }) => Ref.set(sees, true))
      yield* TestClock.adjust("11 seconds")
      yield* nodes[0]!.propose(true)
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [true, true, true])

      const evil = yield* outsider("evil")
      yield* evil.say(Subject.Finalize, decided.find(({ Certificate }) => Certificate?.seq === 1)!)
      const seqs = told.flatMap(({ Certificates }) => readCertificates(Certificates, 9)).map(({ seq }) => seq)
      assert.isNotEmpty(seqs)
      assert.isTrue(seqs.every((seq) => seq === 2))

      const now = yield* Clock.currentTimeMillis
      const forged = Array.from({ length: 40 }, (_, i) => ({
        ...certificate({ seq: 3 + 2 * i, at: now }),
        votes: certificate({ at: now }).votes.map((vote) => ({ ...vote, sig: "cheap:0000000000000000" }))
      }))
      yield* evil.say(Subject.Certificates, { Type: "tell", NodeID: "evil", From: 0, Certificates: forged })
      yield* evil.say(Subject.Certificates, { Type: "tell", NodeID: "m1", From: 0, Certificates: forged })
      assert.deepStrictEqual(yield* statuses(nodes), [true, true, true])
      assert.deepStrictEqual(nodes.map(({ certificates }) => certificates.get(target)?.seq), [2, 2, 2])
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
