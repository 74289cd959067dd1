import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { maxFailedChecks } from "../../src/consensus/sealed/FailedChecks.ts"
import { cheapSigner } from "../../src/consensus/sealed/Signer.ts"
import { startNode } from "./cluster.ts"
import { certificate, target } from "./sealed/fixtures.ts"

describe("what is offered to consensus by certificates", () => {
  it.effect("is judged by whom it is from, with an error or without, and what was not looked at is not refused", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-04-21T08:00:00Z"))
      const { official, proofs } = yield* startNode("dns-1", { role: "IBPDns" })
      const at = yield* Clock.currentTimeMillis
      const proof = (member: string, seq: number, signer?: ReturnType<typeof cheapSigner>) =>
        certificate({ target: { ...target, member }, seq, at: at - 1_000, ...signer && { signer } })
      const forged = (i: number) => proof(`X${i}`, 1, cheapSigner("x"))

      const said: Array<string> = []
      for (let i = 0; i < 2 * maxFailedChecks; i++) {
        said.push(yield* proofs.offer(forged(i), { error: i % 2 === 0 ? "" : "timeout", from: "liar" }))
      }
      assert.strictEqual(said.filter((one) => one === "refused").length, maxFailedChecks - 1)
      assert.strictEqual(said.filter((one) => one === "unchecked").length, maxFailedChecks + 1)
      assert.strictEqual(yield* proofs.offer(proof("A", 1), { error: "timeout", from: "liar" }), "unchecked")
      assert.strictEqual(yield* proofs.offer(proof("A", 1), { error: "timeout", from: "m2" }), "taken")
      assert.strictEqual(yield* proofs.offer(proof("B", 2), { error: "", from: "dns-2" }), "taken")
      assert.strictEqual(yield* proofs.offer(proof("A", 1), { error: "timeout", from: "m2" }), "refused")
      assert.strictEqual((yield* official.get({ ...target, member: "A" }))?.error, "timeout")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* proofs.offer(forged(1), { error: "", from: "liar" }), "refused")
      assert.strictEqual(yield* proofs.offer(proof("C", 1), { error: "timeout", from: "liar" }), "taken")
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
