import * as Layer from "effect/Layer"
import { Consensus } from "../consensus/Consensus.ts"
import { Families } from "../monitor/Families.ts"
import { hearAgents } from "../monitor/hearAgents.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { opinions } from "../monitor/opinions.ts"
import { Prober } from "../monitor/Prober.ts"
import { Probes } from "../monitor/Probes.ts"
import { answerDowntime } from "../status/answerDowntime.ts"
import { Shadow } from "../status/Shadow.ts"
import { Snapshots } from "../status/Snapshots.ts"
import { broker } from "./broker.ts"
import { participating } from "./follower.ts"
import { node } from "./node.ts"
import type { ProbeOptions } from "./probing.ts"
import { routes } from "./routes.ts"
import { sealing } from "./sealing.ts"
import { servers } from "./servers.ts"
import { ifShadow } from "./shadow.ts"
import { usedBy } from "./uses.ts"

/** A monitor: checks what is configured, proposes and votes. It takes up what others decided before it begins. */
export const monitor = Monitor.layer.pipe(
  Layer.provideMerge(Snapshots.layer),
  Layer.provideMerge(participating(Consensus.layer)),
  Layer.provideMerge(Prober.layer)
)

/** The APIs of a monitor. */
export const monitorApis = ["MonitorApi", "MgmtApi"] as const

/** A shadow answers nobody: it shows what it would have said, beside what the others decided. */
const telling = ifShadow({
  shadow: Layer.provide(Shadow.layerObserved, opinions),
  otherwise: answerDowntime
})

/** A monitor as a process. `path` is the local document. */
export const monitorNode = (path: string, { probes = Probes.layer }: ProbeOptions = {}) =>
  servers(monitorApis, routes).pipe(
    Layer.provideMerge(Layer.merge(telling, hearAgents)),
    Layer.provideMerge(monitor),
    Layer.provide([probes, Families.layer]),
    Layer.provideMerge(Layer.merge(broker, sealing("monitor"))),
    Layer.provideMerge(
      node({
        path,
        role: "IBPMonitor",
        required: ["MembersConfig", "ServicesConfig"],
        uses: usedBy.monitor
      })
    )
  )
