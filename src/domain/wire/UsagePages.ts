import * as Schema from "effect/Schema"
import { Id, Text } from "./Field.ts"
import { Day, UsageRequest, UsageResponse } from "./Usage.ts"

const Boot = Schema.String.check(Schema.isMaxLength(64))

/**
 * A {@link UsageRequest} of ours. v2 does not know the added keys and answers as ever; our nodes answer in pages, those that
 * are not among `Nodes` (when there are any) not at all.
 */
export const PagedUsageRequest = Schema.Struct({
  ...UsageRequest.fields,
  /** Send pages; the number is the version of their form. */
  Paging: Schema.optionalKey(Schema.Int),
  Nodes: Schema.optionalKey(Schema.Array(Id))
})
export type PagedUsageRequest = typeof PagedUsageRequest.Type

/**
 * A page of an answer: totals of one writer. Its records say which node counted them (`nodeid`): not always the one that
 * answers, for that may have been renamed. A page that has neither `Next` nor `Final` is followed by another; for what is
 * behind `Next` one has to ask, with {@link UsageMoreRequest}.
 */
export const UsagePage = Schema.Struct({
  ...UsageResponse.fields,
  /** Whose totals these are: one process start of the node. */
  Writer: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
  /** Random per process start of who answers: two nodes with one id are told apart by it. Not in v2's answer. */
  Boot: Schema.optionalKey(Boot),
  /** From 0 on. Who misses one does not have the whole. Without it this is v2's answer. */
  Page: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  Next: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))),
  /** There is no further page. */
  Final: Schema.optionalKey(Schema.Boolean)
})
export type UsagePage = typeof UsagePage.Type

/** `geodns.v1.usage`: asks one node of ours for the pages behind the `Next` of its last one. */
export const UsageMoreRequest = Schema.Struct({
  NodeID: Id,
  /** The `Boot` of that page. Another process, of the same id or of an earlier start, does not answer. */
  Boot: Schema.optionalKey(Boot),
  Next: Schema.String.check(Schema.isMaxLength(256)),
  startDate: Day,
  endDate: Day,
  domain: Text,
  memberName: Text,
  country: Text
})
export type UsageMoreRequest = typeof UsageMoreRequest.Type
