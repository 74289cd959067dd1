import * as Layer from "effect/Layer"
import { AlertChannels } from "../alerts/AlertChannel.ts"
import { Alerts } from "../alerts/Alerts.ts"
import { documentContext } from "../alerts/documentContext.ts"
import { MonitorResults } from "../status/MonitorResults.ts"
import { OutageLog } from "../status/OutageLog.ts"
import { OverrideLog } from "../status/OverrideLog.ts"
import { Shadow } from "../status/Shadow.ts"
import { UsageCollector } from "../usage/UsageCollector.ts"
import { broker } from "./broker.ts"
import { follower } from "./follower.ts"
import { node } from "./node.ts"
import { routes } from "./routes.ts"
import { sealing } from "./sealing.ts"
import { servers } from "./servers.ts"
import { ifShadow } from "./shadow.ts"
import { stores } from "./stores.ts"
import { usedBy } from "./uses.ts"

/** What remembers and tells: outages and overrides into the store, alerts to people. */
export const recording = Alerts.layer.pipe(
  Layer.provide(documentContext),
  Layer.provideMerge(Layer.merge(OutageLog.layer, OverrideLog.layer))
)

/** A collator: follows the decisions, keeps the outages, alerts. */
export const collator = recording.pipe(Layer.provideMerge(follower))

/** The APIs of a collator. */
export const collatorApis = ["CollatorApi", "MgmtApi"] as const

/** A shadow stores nothing and tells nobody: it compares what it follows with the results of a monitor. */
const work = ifShadow({
  shadow: Layer.provide(Shadow.layerFollowed, MonitorResults.layer),
  otherwise: Layer.merge(recording, UsageCollector.layer).pipe(
    Layer.provide(AlertChannels.layer),
    Layer.provideMerge(stores)
  )
})

/** A collator as a process. `path` is the local document. */
export const collatorNode = (path: string) =>
  servers(collatorApis, routes).pipe(
    Layer.provideMerge(work),
    Layer.provideMerge(follower),
    Layer.provideMerge(Layer.merge(broker, sealing("collator"))),
    Layer.provideMerge(
      node({
        path,
        role: "IBPCollator",
        required: ["MembersConfig", "ServicesConfig"],
        uses: usedBy.collator
      })
    )
  )
