import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { collatorApis, collatorNode } from "../../roles/collator.ts"
import { brokerLine, statusPages } from "../listening.ts"
import { localDocument } from "../localDocument.ts"
import { runNode } from "../runNode.ts"

/** Says what it does, once it does. */
const announce = Layer.effectDiscard(Effect.gen(function*() {
  const { id } = yield* NodeIdentity
  yield* Console.log([
    `Collator ${id}`,
    `  broker  ${yield* brokerLine}`,
    `  status  ${yield* statusPages(collatorApis)}`
  ].join("\n"))
}))

export const collator = Command.make(
  "collator",
  { config: localDocument },
  ({ config }) => runNode(Layer.provideMerge(announce, collatorNode(config)))
).pipe(
  Command.withDescription(
    "Runs a collator: it follows what the monitors decide, keeps every outage and the usage of the DNS nodes, and tells people."
  ),
  Command.withExamples([{ command: "geodns collator --config local.json", description: "Run a collator" }])
)
