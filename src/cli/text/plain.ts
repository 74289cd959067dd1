/**
 * Text that came from elsewhere as it may stand on a terminal: in one line, and without what a terminal obeys. Error texts
 * of members and other nodes can hold anything.
 */
export const plain = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ")
