/** Columns of the terminal that standard output is; undefined when it is none, and nothing must be cut. */
export const terminalColumns = (): number | undefined => process.stdout.isTTY ? process.stdout.columns : undefined

/** Begins the screen anew, on a terminal. */
export const clearScreen = "\u001b[2J\u001b[H"
