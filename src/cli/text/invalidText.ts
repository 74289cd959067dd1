import { describeInvalid, type Invalid } from "../../consensus/sealed/Invalid.ts"
import type { Rosters } from "../../consensus/sealed/Rosters.ts"
import { plain } from "./plain.ts"

/** The rosters that somebody verifies by, and the file that they are from. */
export interface RosterFileOf {
  readonly path: string
  readonly rosters: Rosters
}

const whereElse =
  "the nodes of the cluster have it as GeoDNS.Consensus.Roster, and in rosters.json of their work directories"

/** What to do where it is the roster that does not fit; nothing where the certificate itself is worth nothing. */
const advice = (invalid: Invalid, { path, rosters }: RosterFileOf): string => {
  switch (invalid._tag) {
    case "OtherCluster":
      return `. Name the roster of ${invalid.cluster} with --roster: ${whereElse}`
    case "UnknownEpoch": {
      const { epoch: oldest } = rosters.all()[0]!
      return invalid.epoch > invalid.current
        ? `. ${path} is too old: name a roster with epoch ${invalid.epoch} with --roster; ${whereElse}`
        : `. ${path} goes back to epoch ${oldest} only: name one that still has epoch ${invalid.epoch} under "earlier" with --roster`
    }
    case "RetiredEpoch":
      return `: a key of then may have been stolen. By a copy of the roster from before that, named with --roster, you see what it was worth then`
    default:
      return ""
  }
}

/** Why a certificate proves nothing, and what to do where another roster would tell more. */
export const invalidText = (invalid: Invalid, by: RosterFileOf): string =>
  plain(`${describeInvalid(invalid)}${advice(invalid, by)}`)
