import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { readLastGood, writeLastGood } from "../../src/config/LastGood.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"

describe("the last good copy of a document", () => {
  const long = `{"a":"${'\\"x\n'.repeat(50_000)}"}`

  it.effect.each(
    [
      "",
      "{}",
      long,
      // What is written in parts is parted between and within characters.
      ...[65_534, 65_535, 65_536, 131_071].map((length) => `${"a".repeat(length)}😀"\\\u2028\ud83d`)
    ].map((text, i) => [i, text] as const)
  )("is read as it was written, letter by letter (%i)", ([, text]) =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      const copy = { location: 'https://a.example/"x"', loadedAt: 1_700_000_000_123.5, text }
      yield* writeLastGood(files, "MembersConfig", copy)
      assert.deepStrictEqual(yield* readLastGood(files, "MembersConfig"), { copy, damage: undefined })
      const written = Option.getOrThrow(yield* files.read("config-MembersConfig.json"))
      assert.deepStrictEqual(JSON.parse(written), copy)
    }).pipe(Effect.provide(DurableFiles.layerMemory)))

  it.effect("is written while others have their turn", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      let turns = 0
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sync(() => turns++), Effect.yieldNow)))
      yield* writeLastGood(files, "MembersConfig", { location: "x", loadedAt: 0, text: "a".repeat(4_000_000) })
      assert.isAtLeast(turns, 10)
    }).pipe(Effect.scoped, Effect.provide(DurableFiles.layerMemory)))
})
