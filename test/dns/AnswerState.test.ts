import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, PubSub, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import type { Snapshot } from "../../src/config/Snapshot.ts"
import { type AnswerSnapshot, AnswerState, keepAnswerState } from "../../src/dns/AnswerState.ts"
import { domainName } from "../../src/dns/DomainName.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { Steering, type SteeringView } from "../../src/steering/Steering.ts"
import { client, membersOf, servicesOf } from "../steering/world.ts"
import { quiet } from "./serving.ts"

const staticKey = domainName("static.demo.example")!.key

/** The version that the zones are of, by the last number of the address of a static record. */
const zonesVersion = ({ zones }: AnswerSnapshot): number | undefined => {
  const found = zones.lookup(staticKey, RecordType.A)
  return found._tag === "Answer" ? found.set.data[0]?.at(-1) : undefined
}

const recordsOf = (version: number, count = 0) => [
  { qname: "demo.example", qtype: "NS", content: "ns.demo.example", ttl: 60 },
  { qname: "static.demo.example", qtype: "A", content: `192.0.2.${version}`, ttl: 60 },
  ...Array.from({ length: count }, (_, i) => ({
    qname: `more${i}.demo.example`,
    qtype: "A",
    content: `198.51.100.${version}`,
    ttl: 60
  }))
]

describe("what answers are made from", () => {
  const keys = Array.from({ length: 40 }, (_, i) => `S${i}`)
  const host = (key: string) => `${key.toLowerCase()}.demo.example`
  /** Enough for steering and zones to give way many times. A name comes with each version. */
  const documents = (version: number): RawDocuments => ({
    staticDns: recordsOf(version, 2_000),
    services: servicesOf(
      Object.fromEntries([...keys, `New${version}`].map((key) => [key, { urls: [`wss://${host(key)}`] }]))
    ),
    members: membersOf(Object.fromEntries(
      Array.from(
        { length: 200 },
        (_, i) => [`M${i}`, { services: [...keys, `New${version}`], ipv4: `10.${version}.0.${i}` }]
      )
    )),
    local: { GeoDNS: { Dns: { Nsid: `v${version}` } } }
  })

  it.effect("is of one version at every moment of a reload: zones, steering and policy", () =>
    Effect.gen(function*() {
      const { current } = yield* AnswerState
      const config = yield* Config
      const versions = () => {
        const now = current()
        const { policy, steering } = now
        return [
          zonesVersion(now),
          Number(steering.choose(host("S39"), false, client())?.addresses[0]?.split(".")[1]),
          Number(policy.nsid?.toString("latin1", 5))
        ]
      }
      const isNameSteered = (version: number): boolean => {
        const { steering, zones } = current()
        const name = host(`New${version}`)
        const isInZones = zones.lookup(domainName(name)!.key, RecordType.A)._tag === "Steered"
        assert.strictEqual(isInZones, steering.choose(name, false, client()) !== undefined)
        return isInZones
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(versions(), [1, 1, 1])
      for (const version of [2, 3]) {
        yield* setDocuments(documents(version))
        yield* Effect.forkScoped(config.reload)
        let turns = 0
        while (!isNameSteered(version) && turns < 10_000) {
          assert.deepStrictEqual(versions(), [version - 1, version - 1, version - 1])
          assert.isTrue(isNameSteered(version - 1))
          turns++
          yield* Effect.yieldNow
        }
        assert.deepStrictEqual(versions(), [version, version, version])
        assert.isFalse(isNameSteered(version - 1))
        assert.isAtLeast(turns, 20)
        yield* TestClock.adjust("1 second")
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(AnswerState.layer.pipe(
        Layer.provideMerge(Steering.layerMemory(documents(1))),
        Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory]),
        Layer.provide(quiet)
      ))
    ))
})

describe("following the views of steering", () => {
  /** What a test tells in the place of steering; `health` is what the view says. */
  const following = Effect.fnUntraced(function*(first: Snapshot) {
    const views = yield* PubSub.unbounded<SteeringView>({ replay: 1 })
    const tell = (snapshot: Snapshot, health: string) =>
      PubSub.publish(views, {
        snapshot,
        choose: () => ({ addresses: [], members: [health], ttl: 1 }),
        explain: () => undefined,
        names: new Set<string>()
      }).pipe(Effect.andThen(TestClock.adjust("1 second")))
    yield* tell(first, "first")
    const steering = Steering.of({
      choose: () => undefined,
      explain: () => undefined,
      names: () => new Set(),
      views: Stream.fromPubSub(views)
    })
    const current = yield* Effect.provideService(keepAnswerState, Steering, steering)
    const now = () => [zonesVersion(current()), current().steering.choose("", false, client())?.members[0]]
    return { current, now, tell }
  })
  const parts = Layer.mergeAll(
    Config.layerMemory({ staticDns: recordsOf(1) }),
    DurableFiles.layerMemory,
    Conditions.layerMemory,
    quiet
  )
  const snapshots = Effect.gen(function*() {
    const config = yield* Config
    const first = yield* config.current
    yield* setDocuments({ staticDns: recordsOf(2) })
    yield* config.reload
    return [first, yield* config.current] as const
  })
  /** A version whose records cannot be read the `broken`-th time: first they are compared, then built from. */
  const breaking = (snapshot: Snapshot, broken: number): Snapshot => {
    let reads = 0
    const [record, ...others] = snapshot.staticDns
    const bad = {
      ...record!,
      get content(): string {
        if (++reads === broken) throw new Error("broken")
        return record!.content
      }
    }
    return { ...snapshot, staticDns: [bad, ...others] }
  }

  it.effect("takes a change of health with the zones as they are, which it does not even look at", () =>
    Effect.gen(function*() {
      const [first] = yield* snapshots
      let looks = 0
      const watched: Snapshot = {
        ...first,
        get staticDns() {
          looks++
          return first.staticDns
        }
      }
      const { current, now, tell } = yield* following(watched)
      const { zones } = current()
      const before = looks
      yield* tell(watched, "worse")
      assert.deepStrictEqual(now(), [1, "worse"])
      assert.strictEqual(current().zones, zones)
      assert.strictEqual(looks, before)
    }).pipe(Effect.scoped, Effect.provide(parts)))

  it.effect("keeps the zones, and their serial, of a version in which they do not differ", () =>
    Effect.gen(function*() {
      const [first] = yield* snapshots
      const { current, tell } = yield* following(first)
      const { zones } = current()
      yield* tell({ ...first, version: 9 }, "same")
      assert.strictEqual(current().zones, zones)
      assert.strictEqual(current().steering.snapshot.version, 9)
    }).pipe(Effect.scoped, Effect.provide(parts)))

  it.effect.each([1, 2])(
    "goes on with the zones before when they cannot be built (at step %i), and builds them again",
    (broken) =>
      Effect.gen(function*() {
        const files = yield* DurableFiles
        const [first, second] = yield* snapshots
        const { current, now, tell } = yield* following(first)
        const { serial } = current().zones
        const saved = yield* files.read("dns-serial.json")
        const bad = breaking(second, broken)
        yield* tell(bad, "down")
        assert.deepStrictEqual(now(), [1, "down"], "health does not wait for zones")
        assert.deepStrictEqual(yield* files.read("dns-serial.json"), saved)
        yield* tell(bad, "up")
        assert.deepStrictEqual(now(), [2, "up"])
        assert.isAbove(current().zones.serial, serial)
        assert.notDeepEqual(yield* files.read("dns-serial.json"), saved)
      }).pipe(Effect.scoped, Effect.provide(parts))
  )

  it.effect("says that zones cannot be built, and tries it seldom, until another version is there", () =>
    Effect.gen(function*() {
      const conditions = yield* Conditions
      const raised = Effect.map(conditions.current, (all) => all.map(({ name }) => name))
      const [first, second] = yield* snapshots
      const { now, tell } = yield* following(first)
      let looks = 0
      const broken: Snapshot = {
        ...second,
        get staticDns(): Snapshot["staticDns"] {
          looks++
          throw new Error("broken")
        }
      }
      for (let i = 0; i < 600; i++) yield* tell(broken, `health ${i}`)
      assert.deepStrictEqual(now(), [1, "health 599"])
      assert.deepStrictEqual(yield* raised, ["dns:build"])
      // After 1, 2, 4 … 60 seconds, and every minute from then on.
      assert.isAtLeast(looks, 10)
      assert.isAtMost(looks, 20)
      yield* tell({ ...second, version: 9 }, "well")
      assert.deepStrictEqual(now(), [2, "well"])
      assert.deepStrictEqual(yield* raised, [])
    }).pipe(Effect.scoped, Effect.provide(parts)))

  it.effect("goes on following when the policy cannot be made", () =>
    Effect.gen(function*() {
      const [first, second] = yield* snapshots
      const { now, tell } = yield* following(first)
      const { Dns } = second.local.GeoDNS
      const broken = {
        ...Dns,
        get RateLimit(): typeof Dns.RateLimit {
          throw new Error("broken")
        }
      }
      yield* tell({ ...second, local: { ...second.local, GeoDNS: { ...second.local.GeoDNS, Dns: broken } } }, "down")
      assert.deepStrictEqual(now(), [1, "down"])
      yield* tell({ ...second, version: 9 }, "up")
      assert.deepStrictEqual(now(), [2, "up"])
    }).pipe(Effect.scoped, Effect.provide(parts)))

  it.effect("does not begin without zones", () =>
    Effect.gen(function*() {
      const [first] = yield* snapshots
      assert.isTrue(Exit.hasDies(yield* Effect.exit(following(breaking(first, 2)))))
    }).pipe(Effect.scoped, Effect.provide(parts)))
})
