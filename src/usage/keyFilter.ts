import type { UsageKey } from "./UsageTable.ts"

/** Which totals. Everything given must hold, without case; `""` asks for nothing. */
export interface KeyFilter {
  readonly domain: string
  readonly member: string
  readonly country: string
}

/** Whether a key is among those that are asked for. */
export const keyMatcher = (filter: KeyFilter): (key: UsageKey) => boolean => {
  const domain = filter.domain.toLowerCase()
  const member = filter.member.toLowerCase()
  const country = filter.country.toLowerCase()
  return (key) =>
    (domain === "" || key.domain.toLowerCase() === domain)
    && (member === "" || key.member.toLowerCase() === member)
    && (country === "" || key.country.toLowerCase() === country)
}
