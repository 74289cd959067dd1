import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { DemoError } from "../../src/demo/DemoError.ts"
import { failover, type FailoverStep, failoverSteps, MissingStep } from "../../src/demo/failover.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { layer as simulatedWorld } from "../../src/demo/SimulatedWorld.ts"
import { World, type WorldEvent } from "../../src/demo/World.ts"

const member = demoMembers[0]!

type Broken = (world: World["Service"]) => Partial<World["Service"]>

/** The events that are not taken out. */
const without = (isGone: (event: WorldEvent) => boolean): Broken => (world) => ({
  subscribe: Effect.map(world.subscribe, Stream.filter((event) => !isGone(event)))
})

const proposed = (up: boolean) => (event: WorldEvent) =>
  event._tag === "Consensus" && event.event._tag === "Proposed" && event.event.proposal.ProposedStatus === up

const voted = (up: boolean) => (event: WorldEvent) =>
  event._tag === "Consensus" && event.event._tag === "Voted" && event.event.proposal?.ProposedStatus === up

const decided = (up: boolean) => (event: WorldEvent) =>
  event._tag === "Consensus" && event.event._tag === "Decided" && event.event.decision.up === up

const alerted = (kind: "opened" | "resolved") => (event: WorldEvent) =>
  event._tag === "Alerted" && event.message.kind === kind

/** Answers as they are until the member fails, and from then on only what `later` makes of them. */
const answers =
  (later: (addresses: ReadonlyArray<string>, hasFailed: boolean) => ReadonlyArray<string>): Broken => (world) => {
    let hasFailed = false
    return {
      ask: (client) =>
        Effect.map(world.ask(client), (addresses) => {
          if (!addresses.includes(member.address)) hasFailed = true
          return later(addresses, hasFailed)
        })
    }
  }

/** What is wrong with a world, and the step that is missing for it. */
const broken: ReadonlyArray<readonly [FailoverStep, what: string, Broken]> = [
  ["answer-before", "DNS answers with another member", () => ({ ask: () => Effect.succeed(["192.0.2.1"]) })],
  ["answer-before", "DNS does not answer", () => ({ ask: () => new DemoError({ message: "no answer at all" }) })],
  ["failure-observed", "the member does not fail", () => ({ setHealthy: () => Effect.void })],
  ["offline-proposed", "nobody proposes", without(proposed(false))],
  ["offline-voted", "nobody votes", without(voted(false))],
  ["offline-decided", "nothing is decided", without(decided(false))],
  ["answer-changed", "the answer stays", answers(() => [member.address])],
  ["answer-changed", "the answer is empty", answers((all, hasFailed) => hasFailed ? [] : all)],
  ["outage-stored", "nothing is stored", () => ({ outages: Effect.succeed([]) })],
  ["alert-opened", "nobody is alerted", without(alerted("opened"))],
  ["recovery-observed", "the member does not recover", (world) => ({
    setHealthy: (key, healthy) => healthy ? Effect.void : world.setHealthy(key, healthy)
  })],
  ["online-proposed", "nobody proposes again", without(proposed(true))],
  ["online-voted", "nobody votes again", without(voted(true))],
  ["online-decided", "nothing is decided again", without(decided(true))],
  [
    "answer-returned",
    "the answer does not return",
    answers((all, hasFailed) => hasFailed ? all.map(() => demoMembers[4]!.address) : all)
  ],
  ["outage-closed", "the outage stays open", (world) => ({
    outages: Effect.map(world.outages, (rows) => rows.filter(({ end }) => end === undefined))
  })],
  ["alert-resolved", "nobody is told of the end", without(alerted("resolved"))],
  ["usage-stored", "no usage is stored", () => ({ usage: Effect.succeed([]) })],
  ["usage-stored", "the usage is of others", (world) => ({
    usage: Effect.map(world.usage, (rows) => rows.filter((row) => row.member !== member.name))
  })]
]

/** Plays the story in a world, and gives how it ended and the steps that were seen. */
const play = Effect.fnUntraced(function*(breakIt: Broken) {
  const seen: Array<FailoverStep> = []
  const world = Layer.effect(World, Effect.map(World, (world) => World.of({ ...world, ...breakIt(world) }))).pipe(
    Layer.provide(simulatedWorld({}))
  )
  yield* TestClock.setTime(Date.parse("2026-04-21T08:00:00Z"))
  const fiber = yield* failover({
    member,
    client: "203.0.113.7",
    onSeen: ({ step }) => Effect.sync(() => void seen.push(step)),
    patience: "15 seconds"
  }).pipe(Effect.provide(world), Random.withSeed(1), Effect.forkChild)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
  return { exit: yield* Fiber.await(fiber), seen }
}, Effect.provide([TestClock.layer(), Logger.layer([])]))

describe("failover in a world where something is missing", () => {
  for (const [step, what, breakIt] of broken) {
    it.effect(`names ${step} when ${what}`, () =>
      Effect.gen(function*() {
        const { exit, seen } = yield* play(breakIt)
        const error = Exit.isFailure(exit) ? yield* Effect.flip(exit) : undefined
        assert.instanceOf(error, MissingStep)
        assert.strictEqual(error.step, step)
        assert.include(error.message, `step "${step}" was not seen: `)
        assert.deepStrictEqual(seen, failoverSteps.slice(0, failoverSteps.indexOf(step)))
      }))
  }

  it.effect("leaves all members well, however it ends", () =>
    Effect.gen(function*() {
      const told: Array<readonly [string, boolean]> = []
      const { seen } = yield* play((world) => ({
        outages: Effect.succeed([]),
        setHealthy: (key, healthy) => {
          told.push([key, healthy])
          return world.setHealthy(key, healthy)
        }
      }))
      assert.strictEqual(seen.at(-1), "answer-changed")
      assert.deepStrictEqual(told, [[member.key, false], [member.key, true]])
    }))
})
