import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ExplainAnswer, ExplainQuestion } from "./ExplainAnswer.ts"
import { BadRequest, NotFound } from "./Refusal.ts"
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
    error: [BadRequest, NotFound]
  }).annotate(HttpApi.QueryParseOptions, { errors: "all", reportInput: true })
) {}

/** The JSON API of all roles together: `HttpApiClient.make(Api, { baseUrl })` is its client. A node serves the groups of its role. */
export class Api extends HttpApi.make("geodns")
  .add(StatusGroup)
  .add(ExplainGroup)
  .annotateMerge(OpenApi.annotations({ title: "GeoDNS" }))
{}
