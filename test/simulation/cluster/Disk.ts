import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AppendFiles } from "../../../src/node/AppendFiles.ts"
import { DurableFiles } from "../../../src/node/DurableFiles.ts"
import { MemoryDisk } from "../../../src/node/MemoryDisk.ts"
import type { DiskAfter } from "../plan/Plan.ts"

/** The disk of a node, in memory: it outlives the node, if it is not lost. */
export class Disk {
  #life = 0
  #durable = new Map<string, string>()
  #memory = makeMemory()

  /** The files, for who starts now. Once it has stopped they take nothing more from it. */
  get files(): Layer.Layer<AppendFiles | DurableFiles> {
    const born = this.#life
    const durable = this.#durable
    return Layer.merge(
      Layer.succeed(AppendFiles, AppendFiles.of(this.#memory.files)),
      Layer.succeed(
        DurableFiles,
        DurableFiles.of({
          read: (name) => Effect.sync(() => Option.fromUndefinedOr(durable.get(name))),
          write: (name, content) =>
            Effect.sync(() => {
              if (born === this.#life) durable.set(name, content)
            })
        })
      )
    )
  }

  /** Who wrote to it is killed. `tail-lost`: with the power, and what was not synced is gone. */
  crash(after: DiskAfter): void {
    this.#life++
    Effect.runSync(this.#memory.crash({ power: after === "tail-lost" }))
    if (after !== "lost") return
    this.#durable = new Map()
    this.#memory = makeMemory()
  }
}

const makeMemory = (): MemoryDisk["Service"] =>
  Context.get(Effect.runSync(Effect.scoped(Layer.build(Layer.fresh(MemoryDisk.layer)))), MemoryDisk)
