import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { makeMutedBus } from "../../src/bus/MutedBus.ts"
import { type BusRole, permissionsOf, subjectUses } from "../../src/bus/Permissions.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Usage } from "../../src/usage/Usage.ts"
import { UsageCollector } from "../../src/usage/UsageCollector.ts"
import { busCollator, busDns, busMonitor, busShadow, manyHits, type Recorded, recording } from "./busNodes.ts"

/** Whether a pattern of permissions covers a subject. */
const covers = (pattern: string, subject: string): boolean => {
  const [parts, names] = [pattern.split("."), subject.split(".")]
  return parts.every((part, i) => part === ">" ? names.length > i : part === "*" ? i < names.length : part === names[i])
    && (parts.at(-1) === ">" || parts.length === names.length)
}

const isAllowed = (patterns: ReadonlyArray<string>, subject: string) => patterns.some((one) => covers(one, subject))

/** Lets seconds pass in small steps, as real time does. */
const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let i = 0; i < 10 * seconds; i++) yield* TestClock.adjust(100)
})

const start = Effect.fnUntraced(function*<A, E, R>(layer: Layer.Layer<A, E, R>) {
  const building = yield* Effect.forkScoped(Layer.build(layer))
  yield* pass(3)
  return yield* Fiber.join(building)
})

const client = (name: string) => Effect.map(Layer.build(Bus.layerMemory({ name })), (parts) => Context.get(parts, Bus))

/** Only in sealed consensus. */
const sealedOnly: ReadonlySet<string> = new Set([Subject.Abstain.name, Subject.Certificates.name])

describe("the table of permissions", () => {
  it("has all subjects, and no role that says what nobody hears", () => {
    const subjects = subjectUses.map(({ subject }) => subject)
    for (const { name } of Object.values(Subject)) {
      const used = name === Subject.UsagePages.name ? `${name}.*` : name
      assert.include(subjects, used)
    }
    assert.strictEqual(new Set(subjects).size, subjects.length)
    for (const { subject, subscribe } of subjectUses) assert.isNotEmpty(subscribe, subject)
  })

  it("lets nobody but monitors decide, and a shadow only ask", () => {
    for (const role of ["dns", "collator", "shadow"] as const) {
      const { publish } = permissionsOf({ role, mayOverride: true })
      for (const { name } of [Subject.Propose, Subject.Cast, Subject.Finalize, Subject.Abstain]) {
        assert.isFalse(isAllowed(publish, name), `${role} on ${name}`)
      }
    }
    assert.notInclude(permissionsOf({ role: "dns" }).publish, Subject.Override.name)
    assert.include(permissionsOf({ role: "dns", mayOverride: true }).publish, Subject.Override.name)
    assert.deepStrictEqual(permissionsOf({ role: "shadow" }).publish, [Subject.Certificates.name, Subject.Status.name])
  })

  it("lets a node with a user of its own hear no answers but its own", () => {
    const { publish, subscribe } = permissionsOf({ role: "dns", node: "dns.eu-1" })
    assert.isTrue(isAllowed(subscribe, "_INBOX.dns.eu-1.0f"))
    assert.isFalse(isAllowed(subscribe, "_INBOX.dns.eu-2.0f"))
    assert.isTrue(isAllowed(publish, "_INBOX.dns.eu-2.0f"))
    for (const node of ["", "*", ">", "a b", "a..b", ".", "x".repeat(1_000), "\n"]) {
      const inbox = permissionsOf({ role: "dns", node }).subscribe.at(-1)!
      assert.match(inbox, /^_INBOX(\.[^\s.*>]+)+\.>$/, node)
    }
  })

  it.effect("is what the services of each role say and listen to, no less and no more", () =>
    Effect.gen(function*() {
      const said = new Map<BusRole, Recorded>()
      const busOf = (id: string, role: BusRole) =>
        Layer.effect(
          Bus,
          Effect.map(client(id), (bus) => {
            const recorded = said.get(role) ?? { publish: new Set(), subscribe: new Set() }
            said.set(role, recorded)
            const heard = recording(bus, recorded)
            return role === "shadow" ? makeMutedBus(heard) : heard
          })
        )
      const first = yield* start(busMonitor("monitor-1", busOf("monitor-1", "monitor")))
      yield* start(busMonitor("monitor-2", busOf("monitor-2", "monitor")))
      const dns = yield* start(busDns("dns-1", busOf("dns-1", "dns")))
      const collator = yield* start(busCollator("collator-1", busOf("collator-1", "collator")))
      yield* start(busShadow("shadow-1", busOf("shadow-1", "shadow")))
      yield* pass(60)

      // All that roles do on the bus: decisions, overrides, usage in pages and without a reply subject, downtime, snapshots.
      const { set } = yield* ScriptedProbes
      yield* set({ member: "Harbour" }, { up: false, error: "status 503" })
      yield* pass(20)
      const isUp = [...(yield* Context.get(collator, OfficialStatus).all).values()].map(({ target, up }) =>
        `${target.member} ${up}`
      )
      assert.sameMembers(isUp, ["Harbour false", "Lagoon true"])
      yield* Context.get(first, Overrides).add({
        kind: "override",
        member: "Lagoon",
        reason: "a test",
        author: "somebody"
      })
      manyHits.forEach(Context.get(dns, Usage).record)
      yield* pass(60)
      yield* Effect.forkScoped(Context.get(collator, UsageCollector).collect)
      yield* pass(60)
      const stranger = yield* client("stranger")
      const day = {
        startDate: "1970-01-01",
        endDate: "1970-01-01",
        domain: "other.example",
        memberName: "",
        country: ""
      }
      yield* stranger.publish(Subject.GetUsage.name, JSON.stringify(day))
      const asked = yield* Effect.forkScoped(
        stranger.askAll(
          Subject.GetDowntime.name,
          `{"startTime":"0001-01-01T00:00:00Z","endTime":"0001-01-01T00:00:00Z"}`,
          {
            wait: "1 second"
          }
        )
      )
      yield* pass(2)
      assert.lengthOf(yield* Fiber.join(asked), 2)
      // A node that comes later takes what it missed from others.
      yield* start(busDns("dns-2", busOf("dns-2", "dns")))
      yield* pass(30)

      for (const [role, recorded] of said) {
        const allowed = permissionsOf({ role })
        for (const  of of["publish", "subscribe"] as const) {
          for (const subject of recorded[of]) {
            assert.isTrue(isAllowed(allowed[of], subject), `${role}: ${of} ${subject} is not in the table`)
          }
          for (const pattern of allowed[of]) {
            const use = subjectUses.find(({ subject }) => subject === pattern)
            if (sealedOnly.has(pattern)) continue
            if (of === "publish" && use?.saidByOthers === true) continue
            // What a shadow listens to depends on what it is the shadow of.
            if (role === "shadow" && of === "subscribe") continue
            assert.isTrue(
              [...recorded[of]].some((subject) => covers(pattern, subject)),
              `${role}: nobody needs to ${of} ${pattern}`
            )
          }
        }
      }
      assert.deepStrictEqual([...said.keys()].sort(), ["collator", "dns", "monitor", "shadow"])
    }).pipe(
      Effect.provide(Layer.mergeAll(MemoryBroker.layer, ScriptedProbes.layer)),
      Random.withSeed("permissions")
    ), 60_000)
})
