/** How much of what tells ids apart is shown: of 65,536 targets hardly two begin alike. */
const hashDigits = 10
const otherLetters = 16

/**
 * The beginning of the id of an outage, long enough to tell it from others: `geodns verify` takes it. With sealed consensus ids begin with
 * the step, as `seq-3-`, and a hash of the target follows.
 */
export const shortId = (id: string): string => {
  const step = /^seq-\d+-/.exec(id)?.[0] ?? ""
  return Array.from(id).slice(0, step === "" ? otherLetters : step.length + hashDigits).join("")
}
