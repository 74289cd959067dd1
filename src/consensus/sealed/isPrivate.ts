import { dirname, resolve } from "node:path"

/** What the system says of a file. */
export interface FileRights {
  readonly mode: number
  readonly uid: number
}

/**
 * Whether nobody but its owner may read or write the file of a private key. Credentials that systemd hands over (`LoadCredential=`)
 * belong to root, with an access list for the user of the unit, which shows as a right of the group: in the folder that
 * `CREDENTIALS_DIRECTORY` names that is as private. Nobody but root makes a file of root there.
 */
export const isPrivate = (path: string, { mode, uid }: FileRights, credentials: string | undefined): boolean => {
  const isCredential = credentials !== undefined && credentials !== "" && uid === 0 &&
    dirname(resolve(path)) === resolve(credentials)
  return (mode & (isCredential ? 0o037 : 0o077)) === 0
}
