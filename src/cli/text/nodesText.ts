import { toleratedSkew } from "../../cluster/ClockSkew.ts"
import type { StatusDocument } from "../../http/StatusDocument.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { agoText, documentTime } from "./span.ts"
import { type Column, table } from "./table.ts"

/** Where nobody signs, there are no epochs. */
const columns = (hasEpochs: boolean): ReadonlyArray<Column> => [
  { title: "NODE" },
  { title: "ROLE" },
  { title: "ADDRESS" },
  { title: "HEARD", right: true },
  { title: "ACTIVE" },
  { title: "VOTES" },
  ...hasEpochs ? [{ title: "EPOCH", right: true }] : [],
  { title: "CLOCK", right: true }
]

/** `+0.1 s`: ahead of the clock of the node that was asked. */
const clockCell = (skew: number | undefined, paint: Paint) => ({
  text: skew === undefined ? "" : `${skew < 0 ? "" : "+"}${skew.toFixed(1)} s`,
  paint: skew !== undefined && Math.abs(skew) * 1_000 > toleratedSkew ? paint.bad : paint.dim
})

/** What is wrong with the bus and the clocks of the node that was asked: what it knows of others may be old then. */
export const nodeConditions = ({ conditions }: StatusDocument) =>
  conditions.items.filter(({ name }) => name === "bus" || name === "clock" || name === "clock:others")

/** The nodes that a node knows, itself first, as a table. `now` in milliseconds since the epoch. */
export const nodesText = (
  status: StatusDocument,
  options: { readonly now: number; readonly room: number | undefined; readonly paint: Paint }
): ReadonlyArray<string> => {
  const { now, paint, room } = options
  const { electorate, nodes } = status
  const hasEpochs = nodes.items.some(({ epoch }) => epoch !== undefined)
  const active = nodes.items.filter((node) => node.active).length
  return [
    ...table(
      columns(hasEpochs),
      nodes.items.map((node) => [
        { text: node.self === true ? `${node.id} (this)` : node.id },
        { text: node.guessed ? `${node.role} (guessed)` : node.role, paint: node.guessed ? paint.dim : undefined },
        { text: node.address },
        { text: node.self === true ? "" : agoText(node.lastHeard, now) },
        { text: node.active ? "yes" : "no", paint: node.active ? paint.good : paint.bad },
        { text: node.votes ? "yes" : "", paint: paint.good },
        ...hasEpochs ? [{ text: node.epoch === undefined ? "" : String(node.epoch) }] : [],
        clockCell(node.clockSkew, paint)
      ]),
      { room, title: paint.dim }
    ),
    ...nodes.total > nodes.items.length ? [paint.dim(`… and ${nodes.total - nodes.items.length} more`)] : [],
    "",
    nodes.items.some(({ self }) => self !== true)
      ? `${active} of ${nodes.items.length} active; ${electorate} may vote now`
      : `No other node is known; ${electorate} may vote now`,
    ...nodeConditions(status).map(({ detail, since }) =>
      paint.bad(`Degraded since ${documentTime(since)} (${agoText(since, now)}): ${plain(detail)}`)
    )
  ]
}
