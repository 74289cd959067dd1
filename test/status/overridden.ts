import { Effect, Layer, Stream, SubscriptionRef } from "effect"
import type { Override } from "../../src/domain/Override.ts"
import { Overrides } from "../../src/status/Overrides.ts"

/** An override as the tests want it: in force from the first moment, until somebody ends it. */
export const override = (options: Partial<Override> = {}): Override => ({
  id: "o1",
  kind: "override",
  member: "Lagoon",
  reason: "broken disk",
  author: "ann",
  node: "monitor-1",
  at: 1_000,
  from: options.at ?? 1_000,
  until: undefined,
  ended: undefined,
  ...options
})

/** Overrides that the test says: which members are out. */
export const overridden = Effect.gen(function*() {
  const active = yield* SubscriptionRef.make<ReadonlyMap<string, Override>>(new Map())
  return {
    layer: Layer.succeed(Overrides, {
      add: () => Effect.die("not for tests of others"),
      end: () => Effect.die("not for tests of others"),
      list: Effect.map(SubscriptionRef.get(active), (all) => [...all.values()]),
      active: SubscriptionRef.get(active),
      changes: SubscriptionRef.changes(active),
      subscribe: Effect.succeed(Stream.never)
    }),
    /** From now on these members are out, and no others. */
    set: (...members: ReadonlyArray<string>) =>
      SubscriptionRef.set(active, new Map(members.map((member) => [member, override({ id: `out ${member}`, member })])))
  }
})
