import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import type { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { conditionNames, Death, decide, makeOutside, settle } from "./collating.ts"
import { target, targetNamed } from "./fixtures.ts"

const minute = 60_000
const hour = 60 * minute
const other = targetNamed("Harbour")

/** What happens in a story that is interrupted at every step. Times from its beginning, by the clock of the node. */
type Story = ReadonlyArray<
  | { readonly store: "away" | "well" }
  | { readonly pass: number }
  | { readonly setBack: number }
  | { readonly id: string; readonly decidedAt: number; readonly target?: typeof target; readonly up?: boolean }
>

/** Tells it to a process that dies, and the rest of it to the next one. Gives what is in the store then. */
const tell = Effect.fnUntraced(
  function*(story: Story, death: Death, power: boolean) {
    const outside = yield* makeOutside()
    const began = yield* Clock.currentTimeMillis
    const newest = new Map<string, Effect.Effect<unknown, never, OfficialStatus>>()
    let next = 0
    const goOn = (death: Death) =>
      Effect.gen(function*() {
        yield* settle
        while (next < story.length && !death.isDead) {
          const event = story[next]!
          if ("store" in event) outside.flaky.mode = event.store
          else if ("setBack" in event) outside.setBack(event.setBack)
          else if ("id" in event) {
            const deciding = decide({ ...event, decidedAt: began + outside.ahead() + event.decidedAt })
            newest.set(event.target?.member ?? "", deciding)
            yield* deciding
          }
          if ("pass" in event) yield* TestClock.adjust(event.pass)
          // Longer than the longest pause between two attempts, when the store is back.
          yield* "store" in event && event.store === "well" ? TestClock.adjust("1 minute") : settle
          next++
        }
      })
    yield* outside.process(goOn(death), death)
    if (death.isDead) yield* outside.disk.crash({ power })
    const again = new Death()
    yield* outside.process(
      Effect.gen(function*() {
        // The other nodes tell one that starts what is official.
        yield* Effect.forEach([...newest.values()], (deciding) => deciding)
        yield* goOn(again)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* conditionNames, [])
      }),
      again
    )
    return (yield* outside.rows)
      .map(({ end, id, start }) => [id, start - began, end === undefined ? end : end - began] as const)
      .sort(([a], [b]) => a < b ? -1 : 1)
  },
  Effect.scoped,
  Random.withSeed("as many attempts each time")
)

/** Three of a target that overlap by the clock, since that is set back twice. */
const overlapping = (by: number): Story => [
  { id: "d1", decidedAt: 1 },
  { pass: by / 2 },
  { id: "u1", decidedAt: by / 2, up: true },
  { setBack: by },
  { id: "d2", decidedAt: by / 2 + minute },
  { pass: by * 2 / 3 },
  { id: "u2", decidedAt: by * 7 / 6, up: true },
  { setBack: by },
  { store: "away" },
  { id: "d3", decidedAt: by * 7 / 6 + minute },
  { store: "well" }
]
const overlaps = (by: number) =>
  [["d1", 1, by / 2], ["d2", minute - by / 2, by / 6], ["d3", minute - by * 5 / 6]] as const
const stories: ReadonlyArray<
  readonly [string, Story, whole: ReadonlyArray<readonly [id: string, start: number, end?: number]>]
> = [
  ["of outages that begin and end with and without the store", [
    { store: "away" },
    { id: "d1", decidedAt: 1 },
    { id: "e1", decidedAt: 2, target: other },
    { id: "u1", decidedAt: 3, up: true },
    { id: "d2", decidedAt: 4 },
    { store: "well" },
    { id: "u2", decidedAt: 5, up: true },
    { id: "d3", decidedAt: 6 },
    { id: "f1", decidedAt: 7, target: other, up: true }
  ], [["d1", 1, 3], ["d2", 4, 5], ["d3", 6], ["e1", 2, 7]]],
  ["of a clock that is set back an hour while one is open", [
    { id: "d1", decidedAt: 1 },
    { id: "e1", decidedAt: 2, target: other },
    { setBack: hour },
    { id: "u1", decidedAt: 3, up: true },
    { id: "d2", decidedAt: 4 },
    { store: "away" },
    { id: "u2", decidedAt: 5, up: true },
    { id: "d3", decidedAt: 6 },
    { store: "well" },
    { id: "f1", decidedAt: 7, target: other, up: true }
  ], [["d1", 1, 2], ["d2", 4 - hour, 5 - hour], ["d3", 6 - hour], ["e1", 2, 3]]],
  ["of a clock that is set back an hour while one is open that waits for the store", [
    { store: "away" },
    { id: "d1", decidedAt: 1 },
    { id: "e1", decidedAt: 2, target: other },
    { setBack: hour },
    { id: "u1", decidedAt: 3, up: true },
    { id: "d2", decidedAt: 4 },
    { store: "well" },
    { id: "f1", decidedAt: 7, target: other, up: true }
  ], [["d1", 1, 2], ["d2", 4 - hour], ["e1", 2, 3]]],
  ["of a clock that is set back an hour between two", overlapping(hour), overlaps(hour)],
  [
    "of a clock that is set back between two that wait for the store",
    [{ store: "away" }, ...overlapping(12 * minute)],
    overlaps(12 * minute)
  ]
]

for (const [number, [of, story, whole]] of stories.entries()) {
  describe(`OutageLog, killed at any step of its work in the store and on the disk: a story ${of}`, () => {
    for (const takesPlace of [true, false]) {
      // All four of the first, two of each other.
      for (const power of number === 0 ? [false, true] : [!takesPlace]) {
        const when = `${takesPlace ? "after" : "before"} the step${power ? ", with a power cut" : ""}`
        it.effect(`loses and doubles nothing: ${when}`, () =>
          Effect.gen(function*() {
            const rows = whole.map(([id, start, end]) => [id, start, end] as const)
            const undisturbed = new Death()
            assert.deepStrictEqual(yield* tell(story, undisturbed, power), rows)
            assert.isAbove(undisturbed.steps, 15)
            for (let at = 1; at <= undisturbed.steps; at++) {
              const death = new Death(at, takesPlace)
              assert.deepStrictEqual(yield* tell(story, death, power), rows, `at step ${at}`)
              assert.isTrue(death.isDead)
            }
          }), 120_000)
      }
    }
  })
}
