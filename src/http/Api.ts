import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ExplainAnswer, ExplainQuestion } from "./ExplainAnswer.ts"
import { EndOverrideBody, GivenOverride, OverrideList, OverrideRequestBody } from "./OverrideDocument.ts"
import { BadRequest, Forbidden, NotFound, NotNow } from "./Refusal.ts"
import { StatusDocument } from "./StatusDocument.ts"

/** What this node knows of the whole. */
export class StatusGroup extends HttpApiGroup.make("status", { topLevel: true }).add(
  HttpApiEndpoint.get("status", "/api/status", { success: StatusDocument })
) {}

/** Why an answer to a DNS question is what it is. DNS nodes have it. */
export class ExplainGroup extends HttpApiGroup.make("explain", { topLevel: true }).add(
  HttpApiEndpoint.get("explain", "/api/explain", {
    query: ExplainQuestion,
    success: ExplainAnswer,
    error: [BadRequest]
  }).annotate(HttpApi.QueryParseOptions, { errors: "all", reportInput: true })
) {}

/**
 * Members taken out by hand. The list is of every node; giving and ending needs a key of `MgmtApi.AuthKeys`, whose name is
 * kept as the author.
 */
export class OverridesGroup extends HttpApiGroup.make("overrides").add(
  HttpApiEndpoint.get("list", "/api/overrides", { success: OverrideList }),
  HttpApiEndpoint.post("add", "/api/overrides", {
    payload: OverrideRequestBody,
    success: GivenOverride,
    error: [BadRequest, Forbidden, NotFound, NotNow]
  }),
  HttpApiEndpoint.post("end", "/api/overrides/end", {
    payload: EndOverrideBody,
    success: OverrideList,
    error: [BadRequest, Forbidden, NotFound, NotNow]
  })
) {}

/** The JSON API of all roles together: `HttpApiClient.make(Api, { baseUrl })` is its client. A node serves the groups of its role. */
export class Api extends HttpApi.make("geodns")
  .add(StatusGroup)
  .add(ExplainGroup)
  .add(OverridesGroup)
  .annotateMerge(OpenApi.annotations({ title: "GeoDNS" }))
{}
