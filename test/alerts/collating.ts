import { Context, Effect, Exit, Layer, PubSub, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AlertContext, type Surroundings } from "../../src/alerts/AlertContext.ts"
import {
  AlertChannels,
  AlertError,
  type AlertMessage,
  Alerts,
  type Board,
  type Channel
} from "../../src/alerts/index.ts"
import type { Outage, OutageEvent } from "../../src/domain/Outage.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { AlertStore, OutageStore, Store } from "../../src/store/index.ts"
import { BadRow, StoreError } from "../../src/store/StoreError.ts"
import { Death } from "../status/collating.ts"
import { ended, minute } from "./samples.ts"

/** Lets everything run that needs no time. */
export const settle = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 400 }), TestClock.adjust(0))

/** A server that people read: a message with a key that it knows is the same message. */
export class Server {
  readonly got: Array<AlertMessage> = []
  readonly keys = new Map<string, string>()
  down: AlertError | undefined

  deliver(message: AlertMessage): string {
    this.got.push(message)
    const id = this.keys.get(message.idempotencyKey) ?? `$${this.keys.size + 1}`
    this.keys.set(message.idempotencyKey, id)
    // An edit is a part of the message that it edits.
    return message.receipt ?? id
  }

  /** What people see: each message once, an edit as `edit of` the message. */
  get seen(): ReadonlyArray<string> {
    const seen = new Map<string, string>()
    for (const { idempotencyKey, kind, receipt } of this.got) {
      if (!seen.has(idempotencyKey)) {
        seen.set(
          idempotencyKey,
          receipt === undefined ? idempotencyKey : `${idempotencyKey} (${kind} edits ${receipt})`
        )
      }
    }
    return [...seen.values()]
  }
}

const noStore = Effect.fail(
  new StoreError({ operation: "any", reason: new BadRow({ table: "any", row: "any", problem: "the process is dead" }) })
)
const noChannel = Effect.fail(new AlertError({ channel: "server", problem: "the process is dead", isRetryable: true }))

const mortalStore = (store: AlertStore["Service"], death: Death): AlertStore["Service"] => ({
  ...store,
  save: (thread) => death.step(store.save(thread), noStore),
  get: (id) => death.step(store.get(id), noStore),
  unfinished: Stream.unwrap(death.step(Effect.succeed(store.unfinished), noStore)),
  lease: (...args) => death.step(store.lease(...args), noStore),
  // Who was killed gives nothing back.
  release: (...args) => Effect.suspend(() => death.isDead ? noStore : store.release(...args))
})

/** A network with one database, a server for messages, and any number of collators. */
export const makeWorld = Effect.gen(function*() {
  const stores = yield* Layer.build(Layer.fresh(Store.layerMemory))
  const outages = Context.get(stores, OutageStore)
  const events = yield* PubSub.unbounded<OutageEvent>()
  const log = Layer.succeed(
    OutageLog,
    OutageLog.of({
      open: Effect.succeed([]),
      subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
    })
  )
  const announce = (event: OutageEvent) => Effect.andThen(PubSub.publish(events, event), settle)
  return {
    store: Context.get(stores, AlertStore),
    server: new Server(),
    opens: (it: Outage) => Effect.andThen(outages.open(it), announce({ _tag: "Opened", outage: it })),
    closes: (it: Outage, end = it.start + minute) =>
      Effect.andThen(outages.close(it.id, end, false), announce({ _tag: "Closed", outage: ended(it, end) })),
    events,
    outages,
    log,
    stores
  }
})
export type World = Effect.Success<typeof makeWorld>

/** How one collator starts. */
export interface CollatorOptions {
  readonly id?: string
  readonly death?: Death
  readonly surroundings?: Surroundings
  readonly boards?: ReadonlyArray<Board>
  /** In place of the server of the world. */
  readonly deliver?: Channel["deliver"]
  /** Wraps the store of alerts. */
  readonly store?: (store: AlertStore["Service"]) => AlertStore["Service"]
}

/** A collator over the database of the world, until it is stopped. */
export const startCollator = Effect.fnUntraced(function*(world: World, options: CollatorOptions = {}) {
  const { boards = [], death = new Death(), id = "collator-1", store = (it) => it, surroundings } = options
  const channel: Channel = {
    name: "server",
    deliver: options.deliver ?? ((message) =>
      death.step(
        Effect.suspend(() =>
          world.server.down === undefined
            ? Effect.succeed(world.server.deliver(message))
            : Effect.fail(world.server.down)
        ),
        noChannel
      ))
  }
  const scope = yield* Scope.make()
  const parts = yield* Layer.buildWithScope(
    Layer.fresh(Alerts.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(
        world.log,
        Layer.succeed(AlertChannels, [channel, ...boards]),
        Overrides.layerNone,
        Conditions.layer,
        NodeIdentity.layerMemory({ id, role: "IBPCollator" }),
        Layer.succeed(OutageStore, world.outages),
        Layer.succeed(AlertStore, mortalStore(store(world.store), death)),
        surroundings === undefined ? Layer.empty : Layer.succeed(AlertContext, surroundings)
      ))
    )),
    scope
  )
  yield* settle
  return {
    alerts: Context.get(parts, Alerts),
    conditions: Effect.map(Context.get(parts, Conditions).current, (all) => all.map(({ name }) => name)),
    stop: Scope.close(scope, Exit.void)
  }
})

/** A channel that cannot be reached. */
export const unreachable = new AlertError({ channel: "server", problem: "no route", isRetryable: true, isDown: true })
