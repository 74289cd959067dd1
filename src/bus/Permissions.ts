import { agentReportSubject } from "../domain/wire/Agent.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { anyInbox, inboxOf } from "./replies.ts"

/**
 * What a client of the broker is. A shadow of any role hears what that role hears, and only asks what is official. An agent
 * of a member is no node: it says what it sees on its own machine, and hears nothing.
 */
export type BusRole = "monitor" | "dns" | "collator" | "shadow" | "agent"

/** All of them. */
export const busRoles: ReadonlyArray<BusRole> = ["monitor", "dns", "collator", "shadow", "agent"]

/** Who says and who hears something on the bus. */
export interface SubjectUse {
  /** `*` for one part of the name, `>` at the end for any. */
  readonly subject: string
  readonly publish: ReadonlyArray<BusRole>
  readonly subscribe: ReadonlyArray<BusRole>
  /** Only v2's nodes and others say it; ours never do. */
  readonly saidByOthers?: boolean
}

const members: ReadonlyArray<BusRole> = ["monitor", "dns", "collator"]

const nodes: ReadonlyArray<BusRole> = [...members, "shadow"]

/** Where answers go that want no inbox: the last part is random. */
const usageAnswers = `${Subject.UsagePages.name}.*`

/**
 * Who publishes and who subscribes what, subject by subject: what a broker has to let each role do, and may refuse otherwise.
 * Answers go to inboxes, which are not in it: see {@link permissionsOf}.
 */
export const subjectUses: ReadonlyArray<SubjectUse> = [
  { subject: Subject.Cluster.name, publish: members, subscribe: nodes },
  { subject: Subject.Propose.name, publish: ["monitor"], subscribe: nodes },
  { subject: Subject.Cast.name, publish: ["monitor"], subscribe: nodes },
  { subject: Subject.Abstain.name, publish: ["monitor"], subscribe: nodes },
  { subject: Subject.Finalize.name, publish: ["monitor"], subscribe: nodes },
  { subject: Subject.Certificates.name, publish: nodes, subscribe: nodes },
  { subject: Subject.Status.name, publish: nodes, subscribe: nodes },
  // A DNS node passes on none of others, and gives some only with keys of its own: `mayOverride`.
  { subject: Subject.Override.name, publish: ["monitor", "collator"], subscribe: nodes },
  { subject: Subject.OverrideDigest.name, publish: members, subscribe: nodes },
  { subject: Subject.GetUsage.name, publish: ["collator"], subscribe: ["dns"] },
  { subject: Subject.MoreUsage.name, publish: ["collator"], subscribe: ["dns"] },
  { subject: usageAnswers, publish: ["dns"], subscribe: ["collator"] },
  { subject: Subject.UsageData.name, publish: ["dns"], subscribe: ["collator"] },
  { subject: Subject.GetDowntime.name, publish: ["collator"], subscribe: ["monitor"], saidByOthers: true },
  { subject: Subject.AgentReports.name, publish: ["agent"], subscribe: ["monitor", "shadow"] }
]

/** What a user of the broker may do. Everything else is refused. */
export interface Permissions {
  readonly publish: ReadonlyArray<string>
  readonly subscribe: ReadonlyArray<string>
}

/** Whom permissions are for. */
export interface BusUser {
  readonly role: BusRole
  /** The id of the one node or agent that it is, when it is for one: it hears no answers, and gives no reports, but its own. */
  readonly node?: string
  /** It gives overrides: a DNS node with `MgmtApi.AuthKeys` of its own. The others give them, or never do, by their role. */
  readonly mayOverride?: boolean
}

/**
 * What a user has to be let do. Who answers may write into every inbox, whose names nobody can guess. Not
 * `allow_responses` instead: with it a broker lets a node say anything anywhere, once it has heard a message that names that
 * subject as the one for answers, and a node may send itself such a message.
 */
export const permissionsOf = ({ mayOverride = false, node, role }: BusUser): Permissions => {
  const allowed = (of: "publish" | "subscribe") =>
    subjectUses.filter((use) => use[of].includes(role)).map(({ subject }) => subject)
  const publish = allowed("publish").map((subject) =>
    subject === Subject.AgentReports.name && node !== undefined ? agentReportSubject(node) : subject
  )
  return {
    publish: [
      ...publish,
      ...mayOverride && !publish.includes(Subject.Override.name) ? [Subject.Override.name] : [],
      ...members.includes(role) ? [anyInbox] : []
    ],
    subscribe: [...allowed("subscribe"), node === undefined ? anyInbox : `${inboxOf(node)}.>`]
  }
}
