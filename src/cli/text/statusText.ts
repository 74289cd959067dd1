import type { MemberState, MemberStatus, StatusDocument, TargetStatus } from "../../http/StatusDocument.ts"
import { counted } from "../counted.ts"
import type { Paint } from "../explanationText.ts"
import { overrideTable } from "./overrideText.ts"
import { plain } from "./plain.ts"
import { agoText, documentTime } from "./span.ts"
import { type Column, cut, table } from "./table.ts"
import { familyText, votesText, whatText } from "./targetText.ts"

/** How a text is laid out. */
export interface Layout {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Columns of the terminal; undefined when nobody looks at one. */
  readonly room: number | undefined
  readonly paint: Paint
}

/** Down targets that are shown; a network that is down as a whole has thousands. */
const shownTargets = 50

const stateColour = (state: MemberState, paint: Paint) =>
  state === "up"
    ? paint.good
    : state === "down" || state === "overridden"
    ? paint.bad
    : state === "degraded"
    ? paint.bold
    : paint.dim

const memberColumns: ReadonlyArray<Column> = [
  { title: "MEMBER" },
  { title: "STATE" },
  { title: "SINCE", right: true },
  { title: "UP", right: true },
  { title: "DOWN", right: true },
  { title: "REGION" }
]

const membersTable = (members: ReadonlyArray<MemberStatus>, { now, paint, room }: Layout): ReadonlyArray<string> =>
  table(
    memberColumns,
    members.map((member) => [
      { text: member.name },
      { text: member.state, paint: stateColour(member.state, paint) },
      { text: member.since === undefined ? "" : agoText(member.since, now) },
      { text: String(member.up) },
      { text: String(member.down), paint: member.down > 0 ? paint.bad : undefined },
      { text: member.region, paint: paint.dim }
    ]),
    { room, title: paint.dim }
  )

/** One target: what it is on one line, why and who decided so on the next. */
const targetLines = (status: TargetStatus, { now, paint, room }: Layout): ReadonlyArray<string> => {
  const { decidedBy, error, retired, seq, since, target, up, votes } = status
  const line = (text: string) => room === undefined ? plain(text) : cut(plain(text), room)
  const state = up ? paint.good("up") : paint.bad("down")
  const head = `${target.member}  ${whatText(target)}  ${familyText(target)}`
  const after = `  for ${agoText(since, now)}`
  return [
    `  ${state}  ${room === undefined ? plain(head) : cut(plain(head), room - after.length - (up ? 6 : 8))}${
      paint.dim(after)
    }`,
    ...error === "" ? [] : [line(`        ${error}`)],
    paint.dim(
      line(
        `        ${votesText(votes) || "no votes known"}${decidedBy === "" ? "" : `; decided by ${decidedBy}`}${
          seq === undefined
            ? ""
            : retired === true
            ? `; step ${seq}, proof of a retired epoch`
            : `; proven, step ${seq}`
        }`
      )
    )
  ]
}

const section = (title: string, lines: ReadonlyArray<string>, paint: Paint): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", paint.bold(title), ...lines]

const shadowLines = (shadow: NonNullable<StatusDocument["shadow"]>, { now, paint }: Layout): ReadonlyArray<string> => {
  const opinion = (up: boolean | undefined) => up === undefined ? "nothing" : up ? "up" : "down"
  return [
    `  Takes part in nothing. Compared with ${plain(shadow.against)}: ${shadow.agreed} of ${
      counted(shadow.compared, "target")
    } agree${shadow.at === undefined ? "" : `, ${agoText(shadow.at, now)} ago`}`,
    ...shadow.problem === undefined ? [] : [paint.bad(`  ${plain(shadow.problem)}`)],
    ...shadow.differences.items.map(({ here, since, target, there }) =>
      `  ${plain(target.member)}  ${plain(whatText(target))}  ${familyText(target)}: here ${opinion(here)}, there ${
        opinion(there)
      } for ${agoText(since, now)}`
    ),
    ...more(shadow.differences, paint)
  ]
}

const more = (
  { items, total }: { readonly items: ReadonlyArray<unknown>; readonly total: number },
  paint: Paint
): ReadonlyArray<string> => total > items.length ? [paint.dim(`  … and ${total - items.length} more`)] : []

/** Whether there is anything to say of consensus: in the mode open with a roster this node signs, and others ask for the epoch. */
const isSealed = ({ epoch, mode }: NonNullable<StatusDocument["consensus"]>): boolean =>
  mode !== "open" || epoch !== undefined

/** The mode, the epoch and the vote, where there is a roster. */
const consensusLine = ({ epoch, mode, votes }: NonNullable<StatusDocument["consensus"]>): string =>
  `Consensus: mode ${mode}${epoch === undefined ? "" : `, roster of epoch ${epoch}`}; ${
    votes ? "this node votes" : "this node does not vote"
  }`

/** What one node knows of the whole, for an operator. With `targets: all` those that are up are shown too. */
export const statusText = (
  status: StatusDocument,
  layout: Layout & { readonly targets: "down" | "all" }
): ReadonlyArray<string> => {
  const { now, paint } = layout
  const { conditions, held, members, node, overrides, proposals, shadow } = status
  const targets = members.items.flatMap((member) => member.targets.filter(({ up }) => layout.targets === "all" || !up))
  const known = members.items.reduce(
    (sum, member) => sum + member.down + (layout.targets === "all" ? member.up : 0),
    0
  )
  return [
    `${paint.bold(plain(node.id))} ${node.role}, running for ${
      agoText(node.startedAt, now)
    }, documents version ${status.config.version} of ${documentTime(status.config.loadedAt)}`,
    ...status.consensus === undefined || !isSealed(status.consensus) ? [] : [consensusLine(status.consensus)],
    `${counted(status.electorate, "monitor")} may vote; ${counted(status.nodes.total, "node")} known${
      status.nodes.items.some(({ self }) => self === true) ? ", this one included" : ""
    }; targets: ${paint.good(`${status.targets.up} up`)}, ${
      status.targets.down === 0 ? "0 down" : paint.bad(`${status.targets.down} down`)
    }`,
    ...section(
      "Degraded on this node",
      conditions.items.map(({ detail, name, since }) =>
        `  ${paint.bad(plain(name))} for ${agoText(since, now)}: ${plain(detail)}`
      ).concat(more(conditions, paint)),
      paint
    ),
    "",
    ...membersTable(members.items, layout),
    ...more(members, paint),
    ...section(
      layout.targets === "all" ? "Targets" : "Down",
      [
        ...targets.slice(0, shownTargets).flatMap((target) => targetLines(target, layout)),
        ...more({ items: targets.slice(0, shownTargets), total: Math.max(known, targets.length) }, paint)
      ],
      paint
    ),
    ...section(
      "Open proposals",
      proposals.items.map(({ error, firstSeen, proposer, target, up, votes }) =>
        `  ${up ? paint.good("up") : paint.bad("down")}  ${plain(target.member)}  ${plain(whatText(target))}  ${
          familyText(target)
        }, by ${plain(proposer)} ${agoText(firstSeen, now)} ago${error === "" ? "" : `: ${plain(error)}`}; ${
          plain(votesText(votes)) || "no votes yet"
        }`
      ).concat(more(proposals, paint)),
      paint
    ),
    ...held === undefined ? [] : section(
      "Held down because they flap",
      held.items.map(({ penalty, target, until }) =>
        `  ${plain(target.member)}  ${plain(whatText(target))}  ${familyText(target)}, until about ${
          documentTime(until)
        } if it stays calm (${penalty} points)`
      ).concat(more(held, paint)),
      paint
    ),
    ...section(
      "Taken out by hand",
      [...overrideTable(overrides.items, layout), ...more(overrides, paint)].slice(
        overrides.total === 0 ? 1 : 0
      ),
      paint
    ),
    ...shadow === undefined ? [] : section("Shadow", shadowLines(shadow, layout), paint)
  ]
}
