/** What the bus takes at most in one message, in bytes of UTF-8. */
export const maxMessageBytes: number = 1024 * 1024

/** The bytes of a message that is longer than `limit`; undefined for one that fits. Short ones are not even counted. */
export const bytesOver = (data: string, limit: number): number | undefined => {
  // A UTF-16 unit is at most 3 bytes of UTF-8.
  if (data.length * 3 <= limit) return undefined
  const bytes = Buffer.byteLength(data)
  return bytes > limit ? bytes : undefined
}
