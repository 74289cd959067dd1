/** One line of CSV (RFC 4180), without its end. */
export const csvLine = (values: ReadonlyArray<string | number | boolean>): string =>
  values.map((value) => {
    const text = String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }).join(",")
