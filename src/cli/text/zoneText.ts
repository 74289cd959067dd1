import type { ListedAnswer, ListedZone } from "../../dns/zoneListing.ts"

const said: Readonly<Record<ListedAnswer["from"], string>> = {
  members: "members, chosen for each client",
  explanation: "why the members are chosen, for each client",
  challenge: "what is at the address in the document"
}

/** A zone as a zone file (RFC 1035, 5.1). What is found out for each question is in comments. */
export const zoneText = ({ answers, name, records }: ListedZone): string => {
  const wide = Math.max(...records.map((record) => record.name.length), ...answers.map((answer) => answer.name.length))
  return [
    `$ORIGIN ${name}`,
    ...records.map(({ content, name, ttl, type }) => `${name.padEnd(wide)} ${ttl} IN ${type} ${content}`),
    ...answers.map(({ from, name, type }) => `; ${name.padEnd(wide)} ${type}: ${said[from]}`)
  ].join("\n")
}
