import * as Context from "effect/Context"
import { resolve } from "node:path"
import { isHttp, resolveLocation } from "../config/location.ts"
import type { Local } from "../domain/documents/Local.ts"

/** Where a node's local document is, and with it everything that the document names by a relative path. */
export class Place extends Context.Service<Place, {
  /** The path or URL of the local document. */
  readonly local: string
  /** Where the node keeps its files. */
  readonly workDir: string
  /** Where its GeoIP databases are. */
  readonly maxmind: string
  /** The absolute path of a file that the local document names. */
  readonly file: (path: string) => string
}>()("effect-geodns/roles/Place") {}

/** The place of a node whose local document at `path` says `local`. */
export const placeOf = (path: string, local: Local): Place["Service"] => {
  const file = (of: string) => {
    const location = resolveLocation(path, of)
    // A local document from the web has no folder: the paths in it count from where the process runs.
    return isHttp(location) ? resolve(of) : location
  }
  const workDir = file(local.System.WorkDir)
  const { MaxmindDBPath } = local.Maxmind
  return { local: path, workDir, maxmind: MaxmindDBPath === "" ? workDir : file(MaxmindDBPath), file }
}
