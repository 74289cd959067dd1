const advice: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space",
  EDQUOT: "the disk quota is used up: free some space or raise the quota",
  EFBIG: "the process may not write files of that size: raise the limit (ulimit -f)",
  EROFS: "the file system is read-only: mount it writable, or choose another work directory",
  EACCES: "no permission: the user that runs geodns must own the directory, or choose another work directory",
  EPERM: "no permission: the user that runs geodns must own the directory, or choose another work directory",
  ENOTDIR: "a part of the path is a file, not a directory: move it away, or choose another work directory",
  EISDIR: "a directory has the name of the file: move it away",
  EMFILE: "too many open files: raise the limit (ulimit -n)",
  ENFILE: "too many open files in the system: raise the limit (fs.file-max)",
  EIO: "the disk reports an input/output error: check it and its cables before anything else"
}

/** What is wrong with a file, and what to do, in words. `cause` is what `node:fs` threw. */
export const fileProblem = (operation: "read" | "write", path: string, cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined
  const why = code === undefined ? undefined : advice[code]
  const otherwise = cause instanceof Error ? cause.message : String(cause)
  return `cannot ${operation} ${path}: ${why === undefined ? otherwise : `${why} (${code})`}`
}

/**
 * Why a name cannot be the name of a durable file, or undefined when it can. It must be one part of a path; a leading
 * dot is kept for temporary files, and 200 bytes leave them room within the 255 of common file systems.
 */
export const nameProblem = (name: string): string | undefined => {
  if (name === "") return "a file name must not be empty"
  if (name.startsWith(".")) return "a file name must not begin with a dot"
  if (/[/\\\x00-\x1f\x7f]/.test(name)) return "a file name must not hold slashes or control characters"
  if (Buffer.byteLength(name) > 200) return "a file name must not be longer than 200 bytes"
  return undefined
}
