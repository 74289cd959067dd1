import { Clock, Context, Effect, Layer, Logger, Metric, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import type { OutageEvent } from "../../src/domain/Outage.ts"
import { type AppendFile, AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import { BadRow, StoreError } from "../../src/store/StoreError.ts"
import { decision, target } from "./fixtures.ts"
import { FlakyFiles, FlakyStore } from "./flaky.ts"

const member = (name: string) => ({
  Details: { Name: name },
  Membership: { MemberLevel: 1 },
  Service: { Active: 1 as const, ServiceIPv4: "192.0.2.1" },
  ServiceAssignments: { all: ["Polkadot"] },
  Location: { Latitude: 1, Longitude: 1 }
})

/** Documents with these members, who serve the target of the fixtures. An outage below 15 minutes is a blip. */
export const documentsOf = (...names: ReadonlyArray<string>) => ({
  local: { System: { MinimumOfflineTime: 900 } },
  members: Object.fromEntries(names.map((name) => [name, member(name)])),
  services: {
    Polkadot: {
      Configuration: { Name: "Polkadot", ServiceType: "RPC", Active: 1 as const, LevelRequired: 1 },
      Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
      Providers: { Ibp: { RpcUrls: [target.endpoint] } }
    }
  }
})

/**
 * When a process is killed: at a step that it takes outside of itself, in the store or on the disk. The step takes place or
 * not, the process never hears of it, and nothing that it does afterwards reaches anything.
 */
export class Death {
  steps = 0
  isDead = false
  private readonly at: number
  private readonly takesPlace: boolean

  constructor(at = Number.POSITIVE_INFINITY, takesPlace = true) {
    this.at = at
    this.takesPlace = takesPlace
  }

  step<A, E, R>(effect: Effect.Effect<A, E, R>, afterDeath: Effect.Effect<never, E>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      if (this.isDead) return afterDeath
      if (++this.steps !== this.at) return effect
      this.isDead = true
      return this.takesPlace ? Effect.andThen(effect, afterDeath) : afterDeath
    })
  }
}

const noFile = Effect.fail(
  new DurableFileError({ operation: "write", file: "any", message: "the process is dead", cause: undefined })
)
const noStore = Effect.fail(
  new StoreError({ operation: "any", reason: new BadRow({ table: "any", row: "any", problem: "the process is dead" }) })
)

const mortalStore = (store: OutageStore["Service"], death: Death): OutageStore["Service"] => ({
  open: (...args) => death.step(store.open(...args), noStore),
  close: (...args) => death.step(store.close(...args), noStore),
  find: (query) => Stream.unwrap(death.step(Effect.succeed(store.find(query)), noStore)),
  decisions: store.decisions
})

const mortalFiles = (files: AppendFiles["Service"], death: Death): AppendFiles["Service"] => ({
  ...files,
  open: (name) =>
    Effect.map(death.step(files.open(name), noFile), (file): AppendFile => ({
      append: (records) => death.step(file.append(records), noFile),
      sync: death.step(file.sync, noFile),
      size: file.size
    })),
  rename: (from, to) => death.step(files.rename(from, to), noFile),
  remove: (name) => death.step(files.remove(name), noFile)
})

const mortalDocuments = (files: DurableFiles["Service"], death: Death): DurableFiles["Service"] => ({
  read: files.read,
  write: (name, content) => death.step(files.write(name, content), noFile)
})

/** The clock of a node, that somebody sets: what sleeps is not woken by that. */
const makeNodeClock = Effect.map(Clock.Clock, (real) => {
  let millis = 0
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + millis,
    currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe()),
    currentTimeNanosUnsafe: () => real.currentTimeNanosUnsafe() + BigInt(millis) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => clock.currentTimeNanosUnsafe()),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
  return { clock, ahead: () => millis, setBack: (by: number) => void (millis -= by) }
})

/** What outlives a process that keeps outages: the store, which may be that of another too, and the disk of the node. */
export const makeOutside = Effect.fnUntraced(function*(
  beside?: { readonly flaky: FlakyStore; readonly store: OutageStore["Service"] }
) {
  const flaky = beside?.flaky ?? new FlakyStore()
  const documents = new FlakyFiles()
  const parts = yield* Layer.build(
    Layer.mergeAll(flaky.layer, documents.layer, AppendFiles.layerDisk.pipe(Layer.provideMerge(MemoryDisk.layer)))
  )
  const store = beside?.store ?? Context.get(parts, OutageStore)
  const { ahead, clock, setBack } = yield* makeNodeClock
  const rows = Effect.orDie(Stream.runCollect(store.find({})))
  return {
    flaky,
    documents,
    store,
    /** What the clock of the node is ahead of the time of the test, in milliseconds. */
    ahead,
    setBack,
    disk: Context.get(parts, MemoryDisk),
    rows,
    brief: Effect.map(rows, (all) => all.map(({ blip, end, id, start }) => ({ id, start, end, blip }))),
    /** A process, until its end or its death. */
    process: <A, E>(
      work: Effect.Effect<A, E, OutageLog | OfficialStatus | Conditions | Config | Scope.Scope>,
      death = new Death()
    ) =>
      Effect.scoped(work).pipe(
        Effect.provide(Layer.fresh(
          OutageLog.layer.pipe(
            Layer.provideMerge(OfficialStatus.layer),
            Layer.provideMerge(Layer.mergeAll(
              Conditions.layer,
              Config.layerMemory(documentsOf("Lagoon", "Harbour")),
              Layer.succeed(OutageStore, mortalStore(store, death)),
              Layer.succeed(AppendFiles, mortalFiles(Context.get(parts, AppendFiles), death)),
              Layer.succeed(DurableFiles, mortalDocuments(Context.get(parts, DurableFiles), death))
            )),
            Layer.provide(Layer.succeed(Clock.Clock, clock))
          )
        )),
        Effect.provide(Logger.layer([]))
      )
  }
})

/** A decision of now, unless it says otherwise. */
export const decide = (options: NonNullable<Parameters<typeof decision>[0]>) =>
  Effect.gen(function*() {
    const decidedAt = options.decidedAt ?? (yield* Clock.currentTimeMillis)
    yield* OfficialStatus.use((official) => official.apply(decision({ ...options, decidedAt })))
    return decidedAt
  })

/** Lets everything do what it can do at once. */
export const settle = Effect.repeat(TestClock.adjust("1 millis"), { times: 20 })

/** What is told from now on. */
export const listen = Effect.gen(function*() {
  const events: Array<OutageEvent> = []
  const stream = yield* OutageLog.use((log) => log.subscribe)
  yield* Stream.runForEach(stream, (event) => Effect.sync(() => events.push(event))).pipe(Effect.forkScoped)
  return Effect.sync(() => events.map(({ _tag, outage }) => `${_tag} ${outage.id}`))
})

/** The value of a metric, of whatever labels. */
export const measured = (name: string) =>
  Effect.map(
    Metric.snapshot,
    (all) =>
      all.filter(({ id }) => id === name).reduce((sum, metric) =>
        metric.type === "Gauge"
          ? sum + Number(metric.state.value)
          : metric.type === "Counter"
          ? sum + Number(metric.state.count)
          : sum, 0)
  )

/** The names of the conditions that are raised. */
export const conditionNames = Effect.map(
  Conditions.use((conditions) => conditions.current),
  (all) => all.map(({ name }) => name)
)
