import type { Invalid } from "../../consensus/sealed/Invalid.ts"
import type { JudgedVote } from "../../consensus/sealed/judgeVotes.ts"
import { statusOf } from "../../consensus/sealed/Register.ts"
import type { Proof } from "../../consensus/sealed/verify.ts"
import { describeTarget } from "../../domain/Target.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { table } from "./table.ts"

/** A certificate, and what was found of it: the proof, or why it is none. */
export interface Verdict {
  readonly certificate: Certificate
  readonly votes: ReadonlyArray<JudgedVote>
  readonly proof: Proof | undefined
  readonly invalid: { readonly reason: Invalid["_tag"]; readonly problem: string } | undefined
}

const verdictTexts: Readonly<Record<JudgedVote["verdict"], string>> = {
  signed: "signed",
  forged: "the signature is not its own",
  second: "a second vote, which does not count",
  stranger: "none of those who can judge the target: does not count",
  unknown: "cannot be checked"
}

const statusText = (seq: number): string => {
  const up = statusOf(seq)
  return up === undefined ? "?" : up ? "up" : "down"
}

/** Who saw what and when, and whether that proves the decision. */
export const proofText = (
  { certificate, invalid, proof, votes }: Verdict,
  options: { readonly room: number | undefined; readonly paint: Paint }
): ReadonlyArray<string> => {
  const { paint, room } = options
  const { T: target, cluster, epoch, seq } = certificate
  const status = statusText(seq)
  return [
    `${paint.bold(plain(describeTarget(target)))}: ${status}, step ${seq} of its register`,
    `by the roster of epoch ${epoch} of ${plain(cluster)}`,
    "",
    ...table(
      [{ title: "VOTER" }, { title: "SAW IT" }, { title: "AT" }, { title: "" }],
      votes.map(({ verdict, vote }) => [
        { text: vote.voter },
        // What a forged or unknown vote says, nobody has seen.
        { text: verdict === "signed" || verdict === "second" ? status : "" },
        { text: vote.observedAt },
        { text: verdictTexts[verdict], paint: verdict === "signed" ? paint.good : paint.bad }
      ]),
      { room, title: paint.dim }
    ),
    "",
    ...proof === undefined ? [] : [
      paint.good(
        `This proves the decision: ${proof.votes.length} of ${proof.electorate} members saw the target ${status}, and it takes ${proof.quorum}.`
      )
    ],
    ...invalid === undefined ? [] : [paint.bad(`This does not prove the decision: ${plain(invalid.problem)}.`)]
  ]
}

/** The same for programs. */
export const proofDocument = ({ certificate, invalid, proof, votes }: Verdict) => ({
  proves: proof !== undefined,
  ...invalid,
  cluster: certificate.cluster,
  epoch: certificate.epoch,
  target: certificate.T,
  seq: certificate.seq,
  status: statusText(certificate.seq),
  ...proof !== undefined && { electorate: proof.electorate, quorum: proof.quorum },
  votes: votes.map(({ verdict, vote: { observedAt, voter } }) => ({ voter, observedAt, verdict }))
})
