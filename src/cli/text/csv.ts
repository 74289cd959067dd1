/** What a terminal obeys, and no table needs. */
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

/** A text that a spreadsheet would compute instead of show. */
const formula = /^[=+\-@\t\r]/

/**
 * One line of CSV (RFC 4180), without its end. Error texts and names of networks come from elsewhere: one that a
 * spreadsheet would take for a formula gets an apostrophe in front, which makes it a text there.
 */
export const csvLine = (values: ReadonlyArray<string | number | boolean>): string =>
  values.map((value) => {
    const text = String(value).replace(control, "\ufffd")
    const shown = typeof value === "string" && formula.test(text) ? `'${text}` : text
    return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown
  }).join(",")
