import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Problem } from "../config/Problem.ts"
import { readKeyFile } from "../consensus/sealed/keyFile.ts"
import { readRosterFile, usableRosters } from "../consensus/sealed/readRosters.ts"
import { parseRosterFile } from "../consensus/sealed/rosterFile.ts"
import { BadRoster, SealError } from "../consensus/sealed/SealError.ts"
import { verifierOf } from "../consensus/sealed/Verifier.ts"
import { votingProblem } from "../consensus/sealed/votingProblem.ts"
import type { Local } from "../domain/documents/Local.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"

/** The ways to run a node. */
export type RoleName = "monitor" | "dns" | "collator" | "standalone"

/** What each is on the wire. */
const roleOf: Readonly<Record<RoleName, NodeRole>> = {
  monitor: "IBPMonitor",
  dns: "IBPDns",
  collator: "IBPCollator",
  standalone: "IBPMonitor"
}

const problem = (
  severity: Problem["severity"],
  key: string,
  expected: string,
  found: string,
  hint: string
): Problem => ({ severity, document: "local", path: `GeoDNS.Consensus.${key}`, expected, found, hint })

/**
 * What contradicts itself in `GeoDNS.Consensus`, for a role, or for any when that is not known. With an error among them a node
 * does not start. No file is read.
 */
export const contradictions = (local: Local, role: RoleName | undefined): ReadonlyArray<Problem> => {
  const { Electorate, KeyFile, Mode, OperatorKey, Roster, Shadow } = local.GeoDNS.Consensus
  const problems: Array<Problem> = []
  if (Roster === undefined && Mode !== "open") {
    problems.push(problem(
      "error",
      "Roster",
      `the members and their keys, as Mode is ${Mode}`,
      "none",
      '"geodns roster new" begins one; name its file'
    ))
  } else if (Roster === undefined && Electorate === "roster") {
    problems.push(problem(
      "error",
      "Roster",
      "the members, as Electorate is roster",
      "none",
      '"geodns roster new" begins one; name its file'
    ))
  } else if (Roster === undefined && KeyFile !== undefined) {
    problems.push(problem(
      "warning",
      "KeyFile",
      "a Roster beside it",
      "none",
      "nothing is signed without one: a signature names the cluster and the epoch of a roster"
    ))
  }
  if (OperatorKey !== undefined && verifierOf(OperatorKey) === undefined) {
    problems.push(problem(
      "error",
      "OperatorKey",
      "a public key",
      "something else",
      '"geodns keys show FILE" prints that of a private key'
    ))
  }
  if (Mode === "require" && role === "monitor" && KeyFile === undefined && !Shadow) {
    problems.push(problem(
      "error",
      "KeyFile",
      "the private key of this monitor, as Mode is require",
      "none",
      '"geodns keys new" makes one; its public key goes into the roster'
    ))
  }
  if (role === "standalone" && (Mode === "require" || Electorate === "roster")) {
    problems.push(problem(
      "error",
      Mode === "require" ? "Mode" : "Electorate",
      Mode === "require" ? "open or prefer on a standalone node" : "heard on a standalone node",
      Mode === "require" ? "require" : "roster",
      "it decides alone, and by a roster it takes the votes of two monitors at least"
    ))
  }
  return problems
}

const failed = (key: string, expected: string, { message }: SealError): Problem =>
  problem("error", key, expected, "none that can be used", message)

/** The same, and what is wrong with the roster and the key, and between them. `file` as `Place.file`. */
export const sealProblems = Effect.fnUntraced(function*(
  local: Local,
  file: (path: string) => string,
  role: RoleName | undefined
): Effect.fn.Return<ReadonlyArray<Problem>> {
  const { Electorate, KeyFile, Mode, OperatorKey, Roster, Shadow } = local.GeoDNS.Consensus
  const problems = [...contradictions(local, role)]

  const key = KeyFile === undefined ? undefined : yield* Effect.result(readKeyFile(file(KeyFile)))
  if (key !== undefined && Result.isFailure(key)) {
    problems.push(failed("KeyFile", "a file with a private key", key.failure))
  }
  if (Roster === undefined) return problems
  const path = typeof Roster === "string" ? file(Roster) : "GeoDNS.Consensus.Roster"
  const read = typeof Roster === "string"
    ? yield* Effect.result(readRosterFile(path))
    : Result.mapError(
      parseRosterFile(JSON.stringify(Roster)),
      (text) => new SealError({ reason: new BadRoster({ path, problems: [text] }) })
    )
  const isKeyWrong = problems.some((found) => found.path === "GeoDNS.Consensus.OperatorKey")
  const rosters = Result.flatMap(read, (roster) => usableRosters(path, roster, isKeyWrong ? undefined : OperatorKey))
  if (Result.isFailure(rosters)) {
    return [...problems, failed("Roster", "a roster that can be used", rosters.failure)]
  }

  const { NodeID: id } = local.Nats
  if (role === undefined || id === "" || Shadow || (key !== undefined && Result.isFailure(key))) return problems
  const { current } = rosters.success
  const why = votingProblem(current, { id, role: roleOf[role] }, key?.success.publicKey)
  const isMember = current.members.some((member) => member.id === id)
  const mustVote = role === "monitor" && (Mode === "require" || Electorate === "roster")
  // A key for nothing is no harm; a member without its key is one that the others do not believe.
  if (why !== undefined && (mustVote || (isMember && Mode !== "open"))) {
    problems.push(problem(
      "error",
      KeyFile === undefined ? "KeyFile" : "Roster",
      `a roster that has this node, with its key and as ${roleOf[role]}`,
      "another one",
      why
    ))
  }
  return problems
})
