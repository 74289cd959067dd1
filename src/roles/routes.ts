import * as Layer from "effect/Layer"
import * as ExplainApi from "../http/ExplainApi.ts"
import * as Health from "../http/Health.ts"
import * as Log from "../http/Log.ts"
import * as Metrics from "../http/Metrics.ts"
import * as OpenApiDocument from "../http/OpenApiDocument.ts"
import * as OverridesApi from "../http/OverridesApi.ts"
import * as Results from "../http/Results.ts"
import * as StatusApi from "../http/StatusApi.ts"
import * as StatusPage from "../http/StatusPage.ts"

/** What every role shows over HTTP. What a role has beyond the required services is shown too, as the routes say. */
export const routes = Layer.mergeAll(
  Health.layer,
  Log.layer,
  Metrics.layer,
  OpenApiDocument.layer,
  OverridesApi.layer,
  Results.layer,
  StatusApi.layer,
  StatusPage.layer
)

/** What a DNS node shows over HTTP. */
export const dnsRoutes = Layer.mergeAll(routes, ExplainApi.layer)
