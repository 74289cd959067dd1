import type { Target } from "../../../src/domain/Target.ts"

/** The target of a number. */
export const targetOf = (index: number, ipv6 = false): Target => ({
  checkType: "site",
  check: "ping",
  member: `member-${index + 1}`,
  domain: "",
  endpoint: "",
  ipv6
})
