/** A journal: the totals of one writer on one day. */
export interface JournalName {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly writer: string
  /** All of it is in the store, and nothing comes behind it. */
  readonly stored: boolean
}

const pattern = /^usage-(\d{4}-\d{2}-\d{2})-([0-9a-f]{8,32}(?:-\d{1,9})?)\.(journal|stored)$/

/** Day and writer: what makes a journal the same, and their order. */
export const nameOf = ({ day, writer }: JournalName): string => `${day} ${writer}`

/** The file of a journal. */
export const fileOf = ({ day, stored, writer }: JournalName): string =>
  `usage-${day}-${writer}.${stored ? "stored" : "journal"}`

/** The journal of a file; undefined when it is none. */
export const journalOf = (file: string): JournalName | undefined => {
  const found = pattern.exec(file)
  return found === null ? undefined : { day: found[1]!, writer: found[2]!, stored: found[3] === "stored" }
}

/** The process that writes or wrote as this writer. */
export const processOf = (writer: string): string => writer.split("-", 1)[0]!

/** The lock that a process holds as long as it counts. */
export const lockOf = (writer: string): string => `usage-${processOf(writer)}.lock`

/** The process of a lock; undefined when the file is none. */
export const processOfLock = (file: string): string | undefined => /^usage-([0-9a-f]{8,32})\.lock$/.exec(file)?.[1]

/** What a journal is rewritten into before it takes its place. */
export const nextOf = (file: string): string => `${file}.next`

/** The process that was rewriting a journal into this file; undefined when it is no such file. */
export const processOfNext = (file: string): string | undefined => {
  const journal = file.endsWith(".next") ? journalOf(file.slice(0, -".next".length)) : undefined
  return journal && processOf(journal.writer)
}

/** Where it is kept how long the node ran since each journal came. */
export const agesFile = "usage-ages"
