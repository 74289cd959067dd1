import { Clock, Context, Effect, Exit, Layer, Option, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { Config } from "../../src/config/Config.ts"
import { Consensus } from "../../src/consensus/Consensus.ts"
import { CertificateFile } from "../../src/consensus/sealed/CertificateFile.ts"
import { joinSeals } from "../../src/consensus/sealed/joinSeals.ts"
import type { Roster } from "../../src/consensus/sealed/Roster.ts"
import { RosterSource } from "../../src/consensus/sealed/RosterSource.ts"
import { layerRequired, layerRoster } from "../../src/consensus/sealed/Sealing.ts"
import { Signer } from "../../src/consensus/sealed/Signer.ts"
import type { Target } from "../../src/domain/Target.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import type { Subject } from "../../src/domain/wire/Subject.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import type { Observation } from "../../src/status/Observation.ts"
import { Observer } from "../../src/status/Observer.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Proofs } from "../../src/status/Proofs.ts"
import { member, target } from "./sealed/fixtures.ts"

/** What a test says of a node. */
export interface NodeOptions {
  readonly mode?: "open" | "prefer" | "require"
  readonly role?: NodeRole
  readonly roster?: Roster
  readonly electorate?: "heard" | "roster"
  /** Whether it sees the targets up now; undefined when it cannot judge them. */
  readonly sees?: Ref.Ref<boolean | undefined>
  /** Whose key it signs with; its own when missing, none when null. */
  readonly key?: string | null
  /** Its disk; one of its own when missing. */
  readonly disk?: Context.Context<MemoryDisk>
}

const observing = (sees: Ref.Ref<boolean | undefined>): Layer.Layer<Observer> =>
  Layer.succeed(Observer, {
    observe: (target) =>
      Effect.flatMap(Effect.zip(Ref.get(sees), Clock.currentTimeMillis), ([up, at]) =>
        Effect.succeed(
          up === undefined
            ? Option.none<Observation>()
            : Option.some<Observation>({ target, up, error: up ? "" : "timeout", data: null, at, latency: 1 })
        ))
  })

/** Three monitors that vote. */
export const three: Roster = {
  cluster: "test",
  epoch: 1,
  minEpoch: 1,
  members: ["m1", "m2", "m3"].map((id) => member(id))
}

const sealingOf = ({ electorate = "heard", key, mode = "require" }: NodeOptions, id: string) => {
  const how = mode === "require" ? layerRequired : layerRoster({ mode, electorate })
  return (key === null ? how : Layer.provide(how, Signer.layerCheap(key ?? id)))
}

/** A node of the memory broker with the real services. Ends with `stop`, or with the test. */
export const startNode = Effect.fnUntraced(function*(id: string, options: NodeOptions = {}) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const { mode = "require", role = "IBPMonitor" } = options
  const sees = options.sees ?? (yield* Ref.make<boolean | undefined>(false))
  const files = options.disk === undefined
    ? AppendFiles.layerMemory
    : Layer.provide(AppendFiles.layerDisk, Layer.succeedContext(options.disk))
  const sealing = mode === "open" && options.roster === undefined ? Layer.empty : sealingOf(options, id)
  const layer = Consensus.layer.pipe(
    Layer.provideMerge(Membership.layer),
    Layer.provide(joinSeals),
    Layer.provide(sealing),
    Layer.provideMerge(Layer.mergeAll(RosterSource.layerMemory(options.roster ?? three), CertificateFile.layer)),
    Layer.provide([
      role === "IBPMonitor" ? observing(sees) : Observer.layerNone,
      NodeIdentity.layerMemory({ id, role }),
      Layer.succeed(KnownTargets, () => () => true),
      Config.layerMemory(),
      files
    ]),
    Layer.provideMerge(OfficialStatus.layer),
    Layer.provideMerge(Bus.layerMemory({ name: id })),
    Layer.provideMerge([DurableFiles.layerMemory, Conditions.layerMemory]),
    Layer.fresh
  )
  const services = yield* Layer.buildWithScope(layer, scope)
  const official = Context.get(services, OfficialStatus)
  return {
    id,
    sees,
    consensus: Context.get(services, Consensus),
    conditions: Context.get(services, Conditions),
    membership: Context.get(services, Membership),
    rosters: Context.get(services, RosterSource),
    certificates: Context.get(services, CertificateFile),
    proofs: Context.get(services, Proofs),
    official,
    /** The official status of the target. */
    up: (of: Target = target) => Effect.map(official.get(of), (status) => status?.up),
    propose: (up: boolean, of: Target = target) =>
      Context.get(services, Consensus).propose({ target: of, up, error: up ? "" : "timeout", data: null }),
    stop: Scope.close(scope, Exit.void)
  }
})

export type Node = Effect.Success<ReturnType<typeof startNode>>

/** Lets nodes announce themselves to each other. */
export const meet = TestClock.adjust("6 seconds")

/** Lets what was sent arrive. */
export const settle = Effect.repeat(TestClock.adjust("20 millis"), { times: 15 })

/** What all of them hold for official. */
export const statuses = (nodes: ReadonlyArray<Node>) => Effect.forEach(nodes, ({ up }) => up())

/** The conditions of a node whose name begins so. */
export const conditionsOf = ({ conditions }: Node, name: string) =>
  Effect.map(conditions.current, (all) => all.filter((one) => one.name.startsWith(name)))

/** Everything that is said on a subject from now on, by whomever. */
export const overhear = Effect.fnUntraced(function*<A>(name: string, subject: Subject<A>) {
  const heard: Array<A> = []
  const bus = Context.get(yield* Layer.build(Layer.fresh(Bus.layerMemory({ name }))), Bus)
  yield* Messages.receive(subject, (message) => Effect.sync(() => heard.push(message))).pipe(
    Effect.provideService(Bus, bus)
  )
  return heard
})

/** Somebody with a connection to the broker, and no key. */
export const outsider = Effect.fnUntraced(function*(name: string) {
  const bus = Context.get(yield* Layer.build(Layer.fresh(Bus.layerMemory({ name }))), Bus)
  return {
    say: <A>(subject: Subject<A>, message: A) =>
      Effect.andThen(Messages.send(subject, message), settle).pipe(Effect.provideService(Bus, bus))
  }
})
