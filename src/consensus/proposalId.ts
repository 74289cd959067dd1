import type { Random } from "effect/Random"

/** A new id in the form of a random UUID (RFC 9562, version 4). Not a secret: seeded runs give the same ids again. */
export const proposalId = (random: Random): string => {
  const hex = Array.from(
    { length: 4 },
    () => Math.floor(random.nextDoubleUnsafe() * 2 ** 32).toString(16).padStart(8, "0")
  ).join("")
  const variant = (8 + (parseInt(hex[16]!, 16) & 3)).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}
