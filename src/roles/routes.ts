import * as Layer from "effect/Layer"
import * as ExplainApi from "../http/ExplainApi.ts"
import * as Health from "../http/Health.ts"
import * as Metrics from "../http/Metrics.ts"
import * as Results from "../http/Results.ts"
import { Status } from "../http/Status.ts"
import * as StatusApi from "../http/StatusApi.ts"
import * as StatusPage from "../http/StatusPage.ts"

/** What every role shows over HTTP. What a role has beyond the required services is shown too, as the routes say. */
export const routes = Layer.mergeAll(
  Health.layer,
  Metrics.layer,
  Results.layer,
  StatusApi.layer,
  StatusPage.layer
).pipe(Layer.provide(Status.layer))

/** What a DNS node shows over HTTP. */
export const dnsRoutes = Layer.mergeAll(routes, ExplainApi.layer)
