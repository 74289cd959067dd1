import { Context, Effect, Layer, Option, Stream } from "effect"
import { ConnectionError, ConstraintError, SqlError } from "effect/sql/SqlError"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import { Database, StoreError } from "../../src/store/StoreError.ts"

/** Files in memory that outlive the layers over them, can fail, and count. */
export class FlakyFiles {
  readonly contents = new Map<string, string>()
  writes = 0
  failReads = false
  failWrites = false

  readonly layer: Layer.Layer<DurableFiles> = Layer.succeed(DurableFiles, {
    read: (name) =>
      Effect.suspend(() =>
        this.failReads
          ? this.#failure("read", name)
          : Effect.succeed(Option.fromUndefinedOr(this.contents.get(name)))
      ),
    write: (name, content) =>
      Effect.suspend(() => {
        this.writes++
        if (this.failWrites) return this.#failure("write", name)
        this.contents.set(name, content)
        return Effect.void
      })
  })

  #failure(operation: "read" | "write", file: string): Effect.Effect<never, DurableFileError> {
    return Effect.fail(
      new DurableFileError({ operation, file, message: `${operation} ${file}: no space left`, cause: "ENOSPC" })
    )
  }
}

/** The outage store in memory, which can go away (`away`), refuse what it is told (`refuses`) or hang. */
export class FlakyStore {
  mode: "well" | "away" | "refuses" | "hangs" = "well"

  readonly layer: Layer.Layer<OutageStore> = Layer.effect(
    OutageStore,
    Effect.gen({ self: this }, function*() {
      const store = Context.get(yield* Layer.build(OutageStore.layerMemory), OutageStore)
      const gate = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
        Effect.suspend(() => {
          switch (this.mode) {
            case "well":
              return effect
            case "hangs":
              return Effect.never
            case "away":
              return Effect.fail(failure(new ConnectionError({ cause: "ECONNREFUSED", message: "connection refused" })))
            case "refuses":
              return Effect.fail(failure(new ConstraintError({ cause: "CHECK", message: "check failed" })))
          }
        })
      return OutageStore.of({
        open: (...args) => gate(store.open(...args)),
        close: (...args) => gate(store.close(...args)),
        find: (query) => Stream.unwrap(gate(Effect.succeed(store.find(query)))),
        decisions: (id) => gate(store.decisions(id))
      })
    })
  )
}

const failure = (reason: SqlError["reason"]) =>
  new StoreError({ operation: "test", reason: new Database({ error: new SqlError({ reason }) }) })
