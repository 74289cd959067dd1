/** What is known of one file: how it was when it was read, when it was looked at, and when a change was told. */
interface Known {
  read: string | undefined
  seen: string | undefined
  told: string | undefined
}

/** How many files are remembered: more than a configuration has. */
const maxFiles = 256

/**
 * Finds out which files are not any more what they were when they were read last, from fingerprints of them. A change
 * counts once two looks agree on it: a file that is being written, or is gone for a moment, is not read half.
 */
export class FileChanges {
  private readonly files = new Map<string, Known>()

  private known(path: string): Known {
    const known = this.files.get(path) ?? { read: undefined, seen: undefined, told: undefined }
    this.files.delete(path)
    this.files.set(path, known)
    if (this.files.size > maxFiles) this.files.delete(this.files.keys().next().value!)
    return known
  }

  /** The file is read now, and has this fingerprint. */
  read(path: string, fingerprint: string): void {
    const known = this.known(path)
    known.read = fingerprint
    known.told = undefined
  }

  /** Somebody looked: whether there is a change, which is told once. The first look at what was never read is none. */
  look(path: string, fingerprint: string): boolean {
    const known = this.known(path)
    const settled = known.seen === fingerprint
    known.seen = fingerprint
    known.read ??= fingerprint
    if (known.read === fingerprint || !settled || known.told === fingerprint) return false
    known.told = fingerprint
    return true
  }
}
