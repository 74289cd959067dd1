import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { targetKey } from "../../src/domain/Target.ts"
import * as properties from "./properties.ts"
import { type Incident, type Report, type Scenario, simulate } from "./simulate.ts"
import { restlessWorld, type World } from "./World.ts"

/** Many seeds take their time on a busy machine. Milliseconds. */
const patience = 240_000

const broker = (at: number, f: (broker: MemoryBroker["Service"]) => Effect.Effect<void>): Incident => ({
  at,
  happen: MemoryBroker.use(f)
})

const network = (at: number, loss: number) =>
  broker(at, (broker) => broker.setFaults({ loss, delay: { min: "1 millis", max: "50 millis" } }))

const interval = 10
const followers = ["IBPDns", "IBPDns", "IBPCollator"] as const
const cluster = { monitors: 3, followers, interval, incidents: [], catchUp: true } as const

const play = (
  seeds: number,
  scenario: (seed: number) => Scenario,
  wrong: (report: Report) => ReadonlyArray<string>
) =>
  Effect.forEach(
    Array.from({ length: seeds }, (_, i) => i + 1),
    (seed) =>
      Effect.map(simulate(seed, scenario(seed)), (report) => {
        const violations = [
          ...properties.noErrors(report),
          ...properties.oneStatusPerDecision(report),
          ...properties.soundOutages(report),
          ...wrong(report)
        ]
        assert.deepStrictEqual(violations.slice(0, 5), [], `seed ${seed}`)
        return report
      })
  )

/** Everybody who is left of these nodes holds at the end what is true. */
const allHoldTheTruth = (report: Report) =>
  report.nodes.flatMap(({ id, official }) =>
    report.scenario.world.targets.flatMap((target) => {
      const truth = report.scenario.world.isUp(target, report.scenario.seconds)
      return official.get(targetKey(target))?.up === truth ? [] : [`${id}: ${target.member} is not ${truth}`]
    })
  )

/** The first target goes down at 40 s and stays down. */
const failover: World = {
  ...restlessWorld(1, { targets: 3, calmFrom: 0 }),
  isUp: (target, at) => target.member !== "member-1" || at < 40
}

const dns = ["dns-1", "dns-2"]

describe("nodes that catch up", () => {
  it.live(
    "a follower that is cut off during a failover agrees within three seconds after the network is whole",
    () =>
      play(
        20,
        () => ({
          ...cluster,
          world: failover,
          seconds: 203,
          incidents: [
            network(0, 0),
            broker(35, (broker) => Effect.forEach(dns, broker.disconnect, { discard: true })),
            broker(200, (broker) => Effect.forEach(dns, broker.reconnect, { discard: true }))
          ]
        }),
        allHoldTheTruth
      ),
    patience
  )

  it.live("a partition that nobody notices is repaired within two minutes after it ends", () =>
    play(
      20,
      () => ({
        ...cluster,
        world: failover,
        seconds: 200 + 120,
        incidents: [
          network(0, 0),
          broker(35, (broker) => broker.partition([dns])),
          broker(200, (broker) => broker.heal)
        ]
      }),
      allHoldTheTruth
    ), patience)

  it.live("without catching up it would not be", () =>
    Effect.map(
      simulate(1, {
        ...cluster,
        catchUp: false,
        world: failover,
        seconds: 200 + 120,
        incidents: [
          network(0, 0),
          broker(35, (broker) => broker.partition([dns])),
          broker(200, (broker) => broker.heal)
        ]
      }),
      (report) => assert.lengthOf(allHoldTheTruth(report), dns.length)
    ))

  it.live("one that starts late holds what is official before it answers", () =>
    play(
      20,
      () => ({ ...cluster, world: failover, seconds: 220, incidents: [network(0, 0)], late: [120, 200] }),
      (report) => [
        ...allHoldTheTruth(report),
        ...report.nodes.filter(({ id }) => id.startsWith("late")).flatMap(({ atStart, id }) =>
          report.scenario.world.targets.flatMap((target) =>
            atStart.get(targetKey(target))?.up === (target.member !== "member-1")
              ? []
              : [`${id} starts with a wrong status`]
          )
        )
      ]
    ).pipe(Effect.map((reports) => {
      assert.isTrue(reports.every(({ nodes }) => nodes.filter(({ id }) => id.startsWith("late")).length === 2))
    })), patience)

  it.live("over a network that loses a fifth of everything all agree some minutes after the world is calm", () =>
    play(
      100,
      (seed) => ({
        ...cluster,
        world: restlessWorld(seed, { targets: 2, calmFrom: 120 }),
        seconds: 120 + 240,
        incidents: [network(0, 0.2)],
        late: [100]
      }),
      allHoldTheTruth
    ), patience)
})
