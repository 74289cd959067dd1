/** Where clients of NATS want their answers. */
export const inboxPrefix = "_INBOX."

/** All inboxes, for permissions. */
export const anyInbox = `${inboxPrefix}>`

/** Characters of a node's id in the names of its inboxes. */
const maxIdLength = 128

/**
 * Below this a node wants its answers, with a name that nobody can guess: a broker can let it hear no others. As v2 has it, with
 * the node's id; what cannot be part of a subject is `_` in it.
 */
export const inboxOf = (node: string): string =>
  `${inboxPrefix}${
    node.slice(0, maxIdLength).replaceAll(/[^\x21-\x29\x2b-\x3d\x3f-\x7e]|^\.|\.$|\.(?=\.)/g, "_") || "_"
  }`

/** Answers to one question, unless the asker says otherwise. */
export const defaultMaxAnswers = 1000

/** Whether a subject is one to which clients want their answers, and nothing that others listen to. */
export const isInbox = (subject: string): boolean =>
  subject.length <= 256 && /^_INBOX(?:\.[\x21-\x29\x2b-\x2d\x2f-\x3d\x3f-\x7e]+)+$/.test(subject)
