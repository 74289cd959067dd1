import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"

/** Whether a location is an `http` or `https` URL. */
export const isHttp = (location: string): boolean => /^https?:\/\//i.test(location)

/**
 * Where a document of a local file is: a URL stays as it is, a path counts from the place of the local file. `""`, no
 * document, stays `""`.
 */
export const resolveLocation = (localFile: string, location: string): string => {
  if (location === "" || isHttp(location)) return location
  if (/^file:\//i.test(location)) return URL.canParse(location) ? pathOf(location) : location
  return isHttp(localFile) && URL.canParse(location, localFile)
    ? new URL(location, localFile).href
    : resolve(dirname(localFile), location)
}

/** The path of a `file:` URL; the URL itself when it names another host. */
const pathOf = (url: string): string => {
  const { host, pathname } = new URL(url)
  return host === "" && !/%2f/i.test(pathname) ? fileURLToPath(url) : url
}

/** A location as it may be shown: without user, password, query and fragment of a URL, which can be secrets. */
export const publicLocation = (location: string): string => {
  if (!isHttp(location)) return location
  if (!URL.canParse(location)) return "a URL that cannot be read"
  const url = new URL(location)
  return `${url.origin}${url.pathname}${url.search === "" ? "" : "?…"}`
}

/** A location as it is written with `${…}` in it, fit to be shown. */
export const writtenLocation = (template: string): string =>
  publicLocation(template).replaceAll("%7B", "{").replaceAll("%7D", "}")
