/** Why a certificate proves nothing. Each rule of `verify` has its own reason. */
export type Invalid =
  | { readonly _tag: "OtherCluster"; readonly cluster: string; readonly ours: string }
  | { readonly _tag: "UnknownEpoch"; readonly epoch: number; readonly current: number }
  | { readonly _tag: "RetiredEpoch"; readonly epoch: number; readonly minEpoch: number }
  /** The seq says no status. */
  | { readonly _tag: "NoStatus"; readonly seq: number }
  /** The message that carries it says that the proposal did not pass. */
  | { readonly _tag: "NotPassed" }
  /** The message is about another target. */
  | { readonly _tag: "OtherTarget" }
  /** The message gives the other status. */
  | { readonly _tag: "OtherStatus"; readonly up: boolean }
  /** Too few votes of different members of the electorate. */
  | { readonly _tag: "TooFewVotes"; readonly votes: number; readonly quorum: number; readonly electorate: number }
  /** The time of an observation is none. */
  | { readonly _tag: "NotATime"; readonly voter: string; readonly observedAt: string }
  /** The observations are too far apart to be of one moment. */
  | { readonly _tag: "FarApart"; readonly millis: number; readonly limit: number }
  | { readonly _tag: "BadSignature"; readonly voter: string }

const statusText = (up: boolean): string => up ? "up" : "down"

/** The same in words. */
export const describeInvalid = (invalid: Invalid): string => {
  switch (invalid._tag) {
    case "OtherCluster":
      return `it is of the cluster ${invalid.cluster}, and the roster is of ${invalid.ours}`
    case "UnknownEpoch":
      return `the roster of epoch ${invalid.epoch} is not known; the newest that is known has epoch ${invalid.current}`
    case "RetiredEpoch":
      return `it is of epoch ${invalid.epoch}, and those before epoch ${invalid.minEpoch} are retired`
    case "NoStatus":
      return `seq ${invalid.seq} says no status`
    case "NotPassed":
      return "the message with it says that the proposal did not pass"
    case "OtherTarget":
      return "the message with it is about another target"
    case "OtherStatus":
      return `the message with it says the opposite: the certificate says ${statusText(invalid.up)}`
    case "TooFewVotes":
      return `${
        invalid.votes === 1 ? "1 vote counts" : `${invalid.votes} votes count`
      }, and it takes ${invalid.quorum} of ${
        invalid.electorate === 1 ? "1 member" : `${invalid.electorate} members`
      } that can judge the target`
    case "NotATime":
      return `${invalid.voter} gives ${JSON.stringify(invalid.observedAt)} as the time of its observation`
    case "FarApart":
      return `the observations are ${invalid.millis / 1000} s apart, and may be ${invalid.limit / 1000} s`
    case "BadSignature":
      return `the signature of ${invalid.voter} is not one of its key over this vote`
  }
}
