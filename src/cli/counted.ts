/** A number of things for people: `1 error`, `2 errors`. */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`
