/** Where clients of NATS want their answers. */
export const inboxPrefix = "_INBOX."

/** Answers to one question, unless the asker says otherwise. */
export const defaultMaxAnswers = 1000

/** Whether a subject is one to which clients want their answers, and nothing that others listen to. */
export const isInbox = (subject: string): boolean =>
  subject.length <= 256 && /^_INBOX(?:\.[\x21-\x29\x2b-\x2d\x2f-\x3d\x3f-\x7e]+)+$/.test(subject)
