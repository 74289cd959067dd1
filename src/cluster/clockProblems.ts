import { type ClockVerdict, judgeClocks } from "./ClockSkew.ts"

/** Nodes that are named; one problem is most often behind all. */
const maxNamed = 10

const span = (millis: number): string => {
  const seconds = Math.abs(millis) / 1_000
  return seconds < 100
    ? `${seconds.toFixed(1)} s`
    : seconds < 7_200
    ? `${Math.round(seconds / 60)} min`
    : `${Math.round(seconds / 3_600)} h`
}

const off = (ahead: number): string => `${span(ahead)} ${ahead > 0 ? "ahead" : "behind"}`

/** What is to be said of ours and of other clocks; undefined when there is nothing. */
export interface ClockProblems {
  readonly own: string | undefined
  readonly others: string | undefined
}

const othersText = ({ agreeing, others, own }: ClockVerdict, all: number): string => {
  const named = others.slice(0, maxNamed).map(({ ahead, node }) => `${node.slice(0, 64)} ${off(ahead)}`)
  const more = others.length - named.length
  const list = named.concat(more > 0 ? [`and ${more} more`] : []).join(", ")
  return agreeing === undefined
    ? `clocks differ from ours: ${list}. Too few agree to tell which are wrong: look at the time synchronisation of these `
      + "machines and of this one"
    : `clocks of other nodes are off: ${list}. ${agreeing} of ${all} clocks agree with each other${
      own === undefined ? ", ours among them" : ""
    }: look at the time synchronisation of these machines`
}

/** Says which clocks are more than {@link toleratedSkew} off. `skews` as {@link ClockSkew.measured} gives them. */
export const clockProblems = (skews: ReadonlyMap<string, number>): ClockProblems => {
  const verdict = judgeClocks(skews)
  const { others, own } = verdict
  return {
    own: own === undefined
      ? undefined
      : `the clock of this node is ${
        off(own.ahead)
      }: those of ${own.of} of the ${skews.size} other nodes that it measures `
        + "agree with each other, and not with it. Look at the time synchronisation of this machine",
    others: others.length === 0 ? undefined : othersText(verdict, skews.size + 1)
  }
}
