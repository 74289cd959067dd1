import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { makeProposal } from "../../src/domain/wire/Consensus.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import * as properties from "./properties.ts"
import { seeded } from "./seeded.ts"
import { type Incident, type Report, type Scenario, simulate } from "./simulate.ts"
import { calmWorld, restlessWorld, targetOf } from "./World.ts"

/** Many seeds take their time on a busy machine. Milliseconds. */
const patience = 180_000

const seeds = Array.from({ length: 40 }, (_, i) => i + 1)

const broker = (at: number, f: (broker: MemoryBroker["Service"]) => Effect.Effect<void>): Incident => ({
  at,
  happen: MemoryBroker.use(f)
})

const badNetwork = broker(
  0,
  (broker) => broker.setFaults({ loss: 0.3, duplication: 0.1, delay: { min: "5 millis", max: "800 millis" } })
)
const goodNetwork = (at: number) =>
  broker(at, (broker) => broker.setFaults({ loss: 0, duplication: 0, delay: { min: 0, max: "20 millis" } }))

/** What holds in every run. */
const always = (report: Report): ReadonlyArray<string> => [
  ...properties.noErrors(report),
  ...properties.oneStatusPerDecision(report),
  ...properties.trueMajorities(report),
  ...properties.soundOutages(report),
  ...properties.provenOutages(report)
]

/** Plays a scenario with every seed, and fails with what went wrong under which. */
const holds = (
  scenario: (seed: number) => Scenario,
  also: (report: Report) => ReadonlyArray<string> = () => []
): Effect.Effect<ReadonlyArray<Report>> =>
  Effect.forEach(seeds, (seed) =>
    Effect.map(simulate(seed, scenario(seed)), (report) => {
      const violations = [...always(report), ...also(report)]
      assert.deepStrictEqual(violations.slice(0, 5), [], `seed ${seed}`)
      return report
    }))

const interval = 10
/** What open consensus needs to agree again: two intervals and 30 s. */
const settling = 2 * interval + 30

const cluster = { monitors: 5, followers: ["IBPDns", "IBPCollator"], interval, incidents: [] } as const

describe("a cluster of the real services", () => {
  it.live("agrees on what is true, everywhere, in a good network", () =>
    Effect.gen(function*() {
      const reports = yield* holds(
        (seed) => ({
          ...cluster,
          world: restlessWorld(seed, { targets: 3, calmFrom: 120 }),
          seconds: 120 + settling,
          incidents: [goodNetwork(0)]
        }),
        (report) => [...properties.agreement(report), ...properties.followersAgree(report, 0)]
      )
      // The runs are worth something: things went down and came back.
      const collators = reports.map(({ nodes }) => nodes.find(({ role }) => role === "IBPCollator")!)
      assert.isAbove(
        collators.filter(({ outages }) => outages.some(({ end }) => end !== undefined)).length,
        seeds.length / 2
      )
      assert.isTrue(reports.every(({ nodes }) => nodes.every(({ openProposals }) => openProposals === 0)))
    }), patience)

  it.live("agrees again after loss, delay, reordering and duplication", () =>
    holds(
      (seed) => ({
        ...cluster,
        world: restlessWorld(seed, { targets: 3, calmFrom: 120 }),
        seconds: 150 + settling,
        incidents: [badNetwork, goodNetwork(150)]
      }),
      (report) => [...properties.agreement(report), ...properties.followersAgree(report, 150)]
    ), patience)

  it.live("decides nothing on the minority side of a partition, and agrees when it ends", () =>
    holds(
      (seed) => ({
        ...cluster,
        world: restlessWorld(seed, { targets: 3, calmFrom: 150 }),
        seconds: 180 + settling,
        incidents: [
          broker(45, (broker) => broker.partition([["monitor-1", "monitor-2", "dns-1"]])),
          broker(180, (broker) => broker.heal)
        ]
      }),
      (report) => [
        ...properties.noDecisions(report, ["monitor-1", "monitor-2", "dns-1"], 46, 180),
        ...properties.agreement(report),
        ...properties.followersAgree(report, 180)
      ]
    ), patience)

  it.live("decides nothing on either side of an even partition", () =>
    holds(
      (seed) => ({
        ...cluster,
        monitors: 4,
        world: restlessWorld(seed, { targets: 2, calmFrom: 120 }),
        seconds: 150 + settling,
        incidents: [
          broker(45, (broker) => broker.partition([["monitor-1", "monitor-2", "dns-1"]])),
          broker(150, (broker) => broker.heal)
        ]
      }),
      (report) => [
        ...properties.noDecisions(report, report.nodes.map(({ id }) => id), 46, 150),
        ...properties.agreement(report)
      ]
    ), patience)

  it.live(
    "keeps the votes of a majority with an outage that began while the broker was away",
    () =>
      Effect.gen(function*() {
        const reports = yield* holds(() => ({
          ...cluster,
          monitors: 3,
          world: { targets: [targetOf(0)], isUp: (_, at) => at < 60 },
          seconds: 95 + settling,
          incidents: [
            goodNetwork(0),
            broker(60, (broker) => broker.partition([["monitor-1"], ["monitor-2"], ["monitor-3"]])),
            broker(95, (broker) => broker.heal)
          ]
        }))
        for (const { nodes } of reports) {
          const { outages } = nodes.find(({ role }) => role === "IBPCollator")!
          assert.lengthOf(outages, 1)
        }
      }),
    patience
  )

  it.live("takes nobody down while a majority can reach it, whatever a minority sees", () =>
    holds(
      (seed) => {
        const random = seeded(seed)
        const flaps = Array.from({ length: 100 }, () => random() < 0.6)
        return {
          ...cluster,
          world: calmWorld({ targets: 3, up: true }),
          seconds: 90,
          incidents: [badNetwork],
          misjudge: (monitor, _, at) =>
            monitor === "monitor-1" ? false : monitor === "monitor-2" ? flaps[Math.floor(at / 7)] : undefined
        }
      },
      properties.noOutages
    ), patience)

  it.live("agrees although clocks are wrong by minutes", () =>
    holds(
      (seed) => {
        const random = seeded(seed)
        const ahead = new Map<string, number>()
        return {
          ...cluster,
          world: restlessWorld(seed, { targets: 3, calmFrom: 120 }),
          seconds: 150 + settling,
          incidents: [badNetwork, goodNetwork(150)],
          skew: (node) => {
            const known = ahead.get(node) ?? Math.round((random() - 0.5) * 240)
            ahead.set(node, known)
            return known
          }
        }
      },
      (report) => [...properties.agreement(report), ...properties.followersAgree(report, 150)]
    ), patience)

  it.live("goes on deciding in a flood of garbage, forged votes, strangers and proposals", () => {
    const flood = Effect.gen(function*() {
      const stranger = yield* Bus
      const random = seeded(7)
      for (let i = 0; i < 400; i++) {
        const id = `flood-${i}`
        yield* stranger.publish(Subject.Propose.name, '{"ID":')
        yield* stranger.publish(Subject.Cast.name, "x".repeat(20_000))
        yield* Messages.send(
          Subject.Propose,
          makeProposal({
            id,
            sender: "monitor-1",
            target: targetOf(100 + i),
            up: random() < 0.5,
            error: "x".repeat(10_000),
            data: null,
            at: 0
          })
        )
        // In the name of nobody: strangers that vote are taken for monitors, which open mode cannot help.
        yield* Messages.send(Subject.Cast, {
          ProposalID: id,
          SenderNodeID: "monitor-1",
          NodeID: `monitor-${2 + i % 3}`,
          Agree: true,
          Timestamp: 0
        })
      }
    }).pipe(Effect.provide(Bus.layerMemory({ name: "stranger" })), Effect.orDie)
    return Effect.map(
      simulate(1, {
        ...cluster,
        world: restlessWorld(3, { targets: 3, calmFrom: 120 }),
        seconds: 120 + settling,
        incidents: [20, 40, 60].map((at) => ({ at, happen: flood }))
      }),
      (report) => {
        const violations = [...always(report), ...properties.agreement(report), ...properties.followersAgree(report, 0)]
        assert.deepStrictEqual(violations.slice(0, 5), [])
      }
    )
  }, patience)

  it.live("does the same again with the same seed", () =>
    Effect.gen(function*() {
      const play = (seed: number) =>
        simulate(seed, {
          ...cluster,
          world: restlessWorld(seed, { targets: 3, calmFrom: 120 }),
          seconds: 150,
          incidents: [badNetwork]
        }).pipe(Effect.map(({ nodes }) => nodes))
      const first = yield* play(11)
      assert.deepStrictEqual(yield* play(11), first)
      assert.notDeepEqual(yield* play(12), first)
    }), patience)
})
