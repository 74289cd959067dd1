import type { StatusDocument } from "../../http/StatusDocument.ts"
import type { Paint } from "../explanationText.ts"
import { agoText } from "./span.ts"
import { type Column, table } from "./table.ts"

const columns: ReadonlyArray<Column> = [
  { title: "NODE" },
  { title: "ROLE" },
  { title: "ADDRESS" },
  { title: "HEARD", right: true },
  { title: "ACTIVE" },
  { title: "VOTES" }
]

/** The other nodes that a node knows, as a table. `now` in milliseconds since the epoch. */
export const nodesText = (
  { electorate, nodes }: StatusDocument,
  options: { readonly now: number; readonly room: number | undefined; readonly paint: Paint }
): ReadonlyArray<string> => {
  const { now, paint, room } = options
  if (nodes.total === 0) return [`No other node is known; ${electorate} may vote now`]
  const active = nodes.items.filter((node) => node.active).length
  return [
    ...table(
      columns,
      nodes.items.map((node) => [
        { text: node.id },
        { text: node.guessed ? `${node.role} (guessed)` : node.role, paint: node.guessed ? paint.dim : undefined },
        { text: node.address },
        { text: agoText(node.lastHeard, now) },
        { text: node.active ? "yes" : "no", paint: node.active ? paint.good : paint.bad },
        { text: node.votes ? "yes" : "", paint: paint.good }
      ]),
      { room, title: paint.dim }
    ),
    ...nodes.total > nodes.items.length ? [paint.dim(`… and ${nodes.total - nodes.items.length} more`)] : [],
    "",
    `${active} of ${nodes.items.length} active; ${electorate} may vote now`
  ]
}
