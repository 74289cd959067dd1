import type { ListedAnswer, ListedRecord, ListedZone } from "../../dns/zoneListing.ts"

const said: Readonly<Record<ListedAnswer["from"], string>> = {
  members: "members, chosen for each client",
  explanation: "why the members are chosen, for each client",
  challenge: "what is at the address in the document"
}

/** A zone as a zone file (RFC 1035, 5.1). What is found out for each question is in comments. */
export const zoneText = ({ answers, hidden, name, records }: ListedZone): string => {
  const wide = [...records, ...hidden, ...answers].reduce((wide, { name }) => Math.max(wide, name.length), 0)
  const line = ({ content, name, ttl, type }: ListedRecord) => `${name.padEnd(wide)} ${ttl} IN ${type} ${content}`
  return [
    `$ORIGIN ${name}`,
    ...records.map(line),
    ...hidden.map((record) => `; never answered, as it is delegated: ${line(record)}`),
    ...answers.map(({ from, name, type }) => `; ${name.padEnd(wide)} ${type}: ${said[from]}`)
  ].join("\n")
}
