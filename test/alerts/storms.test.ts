import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Result } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { AlertContext } from "../../src/alerts/AlertContext.ts"
import type { AlertMessage } from "../../src/alerts/AlertMessage.ts"
import { alertText } from "../../src/alerts/AlertText.ts"
import { decodeThread, encodeThread, messageOf, revisionOf } from "../../src/alerts/AlertThread.ts"
import { documentContext } from "../../src/alerts/documentContext.ts"
import { Threads } from "../../src/alerts/Threads.ts"
import { Config } from "../../src/config/Config.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { makeWorld, settle, startCollator } from "./collating.ts"
import { ended, march, minute, outage } from "./samples.ts"

const quietly = Effect.provide(Logger.layer([]))

const member = (
  Name: string,
  address: string,
  latitude: number,
  services: ReadonlyArray<string>,
  longitude = 10
) => ({
  Details: { Name },
  Membership: { MemberLevel: 1 },
  Service: { Active: 1 as const, ServiceIPv4: address, ServiceIPv6: `2001:db8::${address.at(-1)}` },
  ServiceAssignments: { all: services },
  Location: { Latitude: latitude, Longitude: longitude }
})
const service = (Name: string, url: string) => ({
  Configuration: { Name, ServiceType: "RPC", Active: 1 as const, LevelRequired: 1 },
  Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
  Providers: { ibp: { RpcUrls: [url] } }
})
const one = "wss://one.example/rpc"
const two = "wss://two.example/rpc"
const three = "wss://three.example/rpc"
const documents = {
  members: {
    a: member("A", "192.0.2.1", 10, ["One", "Two"]),
    b: member("B", "192.0.2.2", 10.2, ["One"]),
    c: member("C", "192.0.2.3", 40, ["One"]),
    d: member("D", "192.0.2.4", 70, ["Two"]),
    e: member("E", "192.0.2.5", -40, ["Two"]),
    f: member("F", "192.0.2.6", 0, [], 0),
    g: member("G", "192.0.2.7", 0, [], 0),
    k: member("K", "192.0.2.11", -70, ["Three", "Four"]),
    l: member("L", "192.0.2.12", -70, ["Three"]),
    m: member("M", "192.0.2.13", -70, ["Three"]),
    // Not in service: nobody is answered with them.
    n: { ...member("N", "192.0.2.14", -70, ["Three"]), Service: { Active: 0 as const, ServiceIPv4: "192.0.2.14" } },
    o: { ...member("O", "192.0.2.15", -70, ["Three"]), Service: { Active: 0 as const, ServiceIPv4: "192.0.2.15" } },
    p: { ...member("P", "192.0.2.16", -70, ["Three"]), Service: { Active: 0 as const, ServiceIPv4: "192.0.2.16" } }
  },
  services: {
    One: service("One", one),
    Two: service("Two", two),
    Three: service("Three", three),
    Four: service("Four", "wss://four.example/rpc")
  }
}
const surroundings = (settings: Readonly<Record<string, number>> = {}) =>
  Effect.flatMap(AlertContext, Effect.succeed).pipe(
    Effect.provide(documentContext.pipe(
      Layer.provide(Layer.orDie(GeoIp.layerMemory([
        { cidr: "192.0.2.1/32", country: "DE", asn: 1, organization: "N1" },
        { cidr: "192.0.2.3/32", country: "FR", asn: 3, organization: "N3" },
        { cidr: "192.0.2.4/32", country: "DE", asn: 4, organization: "N4" },
        { cidr: "192.0.2.5/32", country: "AR", asn: 3, organization: "N3" }
      ]))),
      Layer.provide(Config.layerMemory({ ...documents, local: { GeoDNS: { Alerts: settings } } } as never))
    )),
    Effect.scoped,
    quietly
  )

const of = (id: string, name: string, over: Partial<Outage> = {}, url = one) =>
  outage(id, over, { check: `wss ${id}`, member: name, endpoint: url, domain: new URL(url).hostname })

describe("what belongs together", () => {
  it.effect("opens within the window, and is of one member, near it, or in its country or network", () =>
    Effect.gen(function*() {
      const { belongs } = yield* surroundings()
      const lead = of("1", "A")
      const at = (name: string, start = march) => belongs(lead, of("2", name, { start }))
      assert.isTrue(at("A"))
      assert.isTrue(at("B"), "22 km away")
      assert.isFalse(at("C"))
      assert.isTrue(at("D"), "the same country")
      assert.isTrue(belongs(of("1", "C"), of("2", "E")), "the same network")
      assert.isFalse(belongs(of("1", "B"), of("2", "C")), "where nothing is known of an address")
      assert.isFalse(belongs(of("1", "F"), of("2", "G")), "where nobody says where they are")
      assert.isTrue(at("A", march + minute))
      assert.isTrue(at("A", march - minute))
      assert.isFalse(at("A", march + minute + 1))
      const { belongs: never } = yield* surroundings({ StormWindow: 0 })
      assert.isFalse(never(lead, of("2", "A")))
      const { belongs: near } = yield* surroundings({ StormRadius: 10 })
      assert.isFalse(near(lead, of("2", "B")))
    }))
})

describe("severity", () => {
  it.effect("is critical when a whole member or more than half of the members of a service are out, in one IP version", () =>
    Effect.gen(function*() {
      const { severity } = yield* surroundings()
      const check = (expected: string, first: Outage, ...others: ReadonlyArray<Outage>) =>
        assert.strictEqual(severity([first], [first, ...others]), expected)
      check("warning", of("1", "A"))
      check("critical", of("1", "A"), of("2", "A", {}, two))
      check("critical", outage("1", {}, { member: "A", checkType: "site", domain: "", endpoint: "" }))
      // Two of three of service One; B has nothing else.
      check("critical", of("1", "A"), of("2", "B"))
      check("critical", of("1", "B"))
      // One of three of service Two.
      check("warning", of("1", "A", {}, two))
      const ipv6 = (it: Outage): Outage => ({ ...it, target: { ...it.target, ipv6: true } })
      check("warning", of("1", "A"), ipv6(of("2", "C")), ipv6(of("3", "A", {}, two)))
      check("warning", ended(of("1", "A")), of("2", "C"))
      check("warning", of("1", "Nobody"))
      // Of the three members of service Three that are in service: one, and two.
      check("warning", of("1", "K", {}, three))
      check("critical", of("1", "K", {}, three), of("2", "L", {}, three))
    }))
})

describe("a storm", () => {
  const byMember = {
    severity: () => "warning" as const,
    belongs: (lead: Outage, it: Outage) => lead.target.member === it.target.member && it.start - lead.start <= minute
  }
  it.effect("is one thread with a list: opened at once, updated seldom, resolved when all of it is over", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      yield* TestClock.setTime(march)
      yield* startCollator(world, { surroundings: byMember })
      const all = Array.from({ length: 20 }, (_, i) => of(`o${i}`, "A", { start: march + i * 100 }))
      for (const it of all) yield* world.opens(it)
      const kinds = () => world.server.got.map(({ kind, outages }) => `${kind} ${outages.length}`)
      assert.deepStrictEqual(kinds(), ["opened 1"])
      yield* TestClock.adjust("15 seconds")
      yield* settle
      assert.deepStrictEqual(kinds(), ["opened 1", "updated 20"])
      // Of another member, or later: a thread of its own.
      yield* world.opens(of("x", "B", { start: march }))
      yield* world.opens(of("y", "A", { start: march + 2 * minute }, two))
      assert.deepStrictEqual(kinds().slice(2), ["opened 1", "opened 1"])
      for (const it of all) yield* world.closes(it, march + 5 * minute)
      yield* TestClock.adjust("15 seconds")
      yield* settle
      assert.deepStrictEqual(kinds().slice(4), ["resolved 20"])
      assert.strictEqual(world.server.got.at(-1)?.receipt, "$1")
      assert.include(alertText(world.server.got.at(-1)!), "UP 20 targets of A after 5m")
    }).pipe(Effect.scoped, quietly))

  it.effect("stays one through a restart, and a part of it that is over shows", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      yield* TestClock.setTime(march)
      const first = yield* startCollator(world, { surroundings: byMember })
      for (const id of ["1", "2", "3"]) yield* world.opens(of(id, "A"))
      yield* first.stop
      yield* startCollator(world, { surroundings: byMember })
      yield* world.closes(of("1", "A"))
      yield* TestClock.adjust("20 seconds")
      yield* settle
      assert.deepStrictEqual(world.server.seen, [
        "1:opened",
        "1:updated:3 (updated edits $1)",
        "1:updated:4 (updated edits $1)"
      ])
      assert.include(alertText(world.server.got.at(-1)!), "STILL DOWN 2 of 3 targets of A")
      yield* world.closes(of("2", "A"))
      yield* world.closes(of("3", "A"))
      assert.strictEqual(world.server.got.at(-1)?.kind, "resolved")
      // Nothing is left of it, and it does not begin again.
      const seen = world.server.seen.length
      yield* startCollator(world, { id: "collator-1", surroundings: byMember })
      yield* TestClock.adjust("10 minutes")
      assert.lengthOf(world.server.seen, seen)
    }).pipe(Effect.scoped, quietly))

  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ _tag: fc.constant("open" as const), id: fc.nat(7) }) },
    { weight: 3, arbitrary: fc.record({ _tag: fc.constant("close" as const), id: fc.nat(7) }) },
    { weight: 4, arbitrary: fc.constant({ _tag: "deliver" as const }) },
    { weight: 1, arbitrary: fc.constant({ _tag: "save" as const }) },
    { weight: 1, arbitrary: fc.constant({ _tag: "restart" as const }) }
  )
  it("tells each outage in one thread alone, that it began and that it ended, through restarts", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, members) => {
      const options = { channels: ["a"], max: 100, belongs: byMember.belongs }
      const disk = new Map<string, { readonly text: string; readonly finished: boolean }>()
      const told: Array<AlertMessage> = []
      let threads = new Threads(options)
      const save = () => {
        for (const thread of threads.changed()) {
          disk.set(thread.outage.id, { text: encodeThread(thread), finished: threads.isFinished(thread) })
          threads.stored(thread, threads.isFinished(thread))
        }
      }
      const deliver = (): boolean => {
        const [due] = threads.due("a")
        if (due === undefined) return false
        told.push(messageOf(due.storm, due.kind))
        threads.delivered(due.thread.outage.id, "a", { kind: due.kind, revision: revisionOf(due.storm) })
        return true
      }
      const opened = new Set<number>()
      const closed = new Set<number>()
      const outageOf = (id: number) => of(`o${id}`, `M${id % members}`)
      const apply = (id: number, isOpen: boolean) => {
        if (!threads.has(`o${id}`) && disk.get(`o${id}`)?.finished === true) return
        const it = outageOf(id)
        threads.apply(isOpen ? { _tag: "Opened", outage: it } : { _tag: "Closed", outage: ended(it) })
      }
      for (const it of steps) {
        if (it._tag === "open" && !closed.has(it.id)) {
          opened.add(it.id)
          apply(it.id, true)
        } else if (it._tag === "close" && opened.has(it.id)) {
          closed.add(it.id)
          apply(it.id, false)
        } else if (it._tag === "deliver") deliver()
        else if (it._tag === "save") save()
        else if (it._tag === "restart") {
          save()
          threads = new Threads(options)
          for (const { finished, text } of [...disk.values()].reverse()) {
            if (!finished) threads.load(Result.getOrThrow(decodeThread(text)))
          }
        }
      }
      while (deliver());
      for (const id of opened) {
        const of = told.filter(({ outages }) => outages.some((one) => one.id === `o${id}`))
        const threadsOf = new Set(of.map(({ outage }) => outage.id))
        assert.strictEqual(threadsOf.size, 1, `o${id} is told in ${[...threadsOf]}`)
        const last = of.at(-1)!.outages.find((one) => one.id === `o${id}`)!
        assert.strictEqual(last.end !== undefined, closed.has(id))
      }
      const keys = told.map(({ idempotencyKey }) => idempotencyKey)
      assert.strictEqual(new Set(keys).size, keys.length)
      for (const thread of new Set(told.map(({ outage }) => outage.id))) {
        const kinds = told.filter(({ outage }) => outage.id === thread).map(({ kind }) => kind).join(" ")
        assert.match(kinds, /^(opened( updated)*( resolved)?|resolved)$/)
      }
      save()
      assert.isFalse(deliver(), "nothing is told again")
      const open = [...opened].filter((id) => !closed.has(id))
      if (open.length === 0) assert.isEmpty(threads.unfinished())
    }))
  })
})
