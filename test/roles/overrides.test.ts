import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Random } from "effect"
import { TestClock } from "effect/testing"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { demoName } from "../../src/demo/documents.ts"
import { isOverrideRecord } from "../../src/domain/Override.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Steering } from "../../src/steering/Steering.ts"
import * as Store from "../../src/store/Store.ts"
import { diskWith, fuji, outagesOf, passUntil, setHealthy, startCollator, startDns, startMonitors } from "./cluster.ts"

const here = { location: fuji.location, scope: "192.0.2.0/24" }

describe("a member that is taken out on one node", () => {
  it.effect(
    "is out of all answers, not checked, not alerted, recorded once, and still so after all were restarted",
    () =>
      Effect.gen(function*() {
        const stores = yield* Layer.build(Layer.fresh(Store.layerMemory))
        yield* startMonitors(Layer.succeedContext(stores))
        const disks = yield* Effect.forEach([1, 2, 3, 4], () => diskWith(stores))
        const startAll = Effect.gen(function*() {
          return {
            dns: [yield* startDns("dns-1", disks[0]!), yield* startDns("dns-2", disks[1]!)] as const,
            collators: [
              yield* startCollator("collator-1", disks[2]!),
              yield* startCollator("collator-2", disks[3]!)
            ] as const
          }
        })
        type All = Effect.Success<typeof startAll>
        const answers = ({ dns }: All) =>
          dns.map(({ parts }) => Context.get(parts, Steering).choose(demoName, false, here)?.members[0])
        const records = Effect.map(outagesOf(stores), (all) =>
          all.filter(({ target }) =>
            isOverrideRecord(target)
          ).map(({ end, target }) => [target.check, target.member, target.ipv6, end === undefined]))
        const told = ({ collators }: All) =>
          Effect.map(
            Effect.all(collators.map((it) =>
              it.told
            )),
            (all) => all.flat()
          )

        const first = yield* startAll
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(answers(first), [fuji.name, fuji.name])
        yield* Context.get(first.dns[0].parts, Overrides).add({
          kind: "maintenance",
          member: fuji.name,
          reason: "moves house",
          author: "ann"
        })
        yield* TestClock.adjust("2 seconds")
        for (const answer of answers(first)) assert.notInclude([fuji.name, undefined], answer)
        const open = [["maintenance", fuji.name, false, true], ["maintenance", fuji.name, true, true]]
        assert.deepStrictEqual(yield* records, open)
        yield* setHealthy(false)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* records, open)
        for (const { stop } of [...first.dns, ...first.collators]) yield* stop

        const second = yield* startAll
        for (const answer of answers(second)) assert.notInclude([fuji.name, undefined], answer)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* records, open)
        assert.deepStrictEqual([yield* told(first), yield* told(second)], [[], []])
        yield* Context.get(second.collators[1].parts, Overrides).end({
          kind: "maintenance",
          member: fuji.name,
          reason: "done",
          author: "bob"
        })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual((yield* records).map(([check, , , isOpen]) => [check, isOpen]), [
          ["maintenance", false],
          ["maintenance", false]
        ])
        // It is broken still: the monitors look again, and it is told.
        yield* passUntil("the outage is told", Effect.map(told(second), (all) => all.length > 0))
        const outages = (yield* outagesOf(stores)).filter(({ end }) => end === undefined)
        assert.isAbove(outages.length, 0)
        assert.isTrue(outages.every(({ target }) => target.member === fuji.name && !isOverrideRecord(target)))
      }).pipe(
        Effect.scoped,
        Effect.provide([MemoryBroker.layer, ScriptedProbes.layer]),
        (test) => Effect.andThen(TestClock.setTime(Date.parse("2026-04-21T08:00:00Z")), test),
        Effect.provide([TestClock.layer(), Logger.layer([])]),
        Random.withSeed("overrides in roles")
      ),
    120_000
  )
})
