import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"

/** A URL as fetch takes it: the Fetch standard refuses credentials in it. They go into a header, see {@link authorize}. */
export const withoutCredentials = (url: URL): string => {
  const plain = new URL(url)
  plain.username = ""
  plain.password = ""
  plain.hash = ""
  return plain.href
}

const unescape = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Adds the user and the password of a URL to a request, where it has any. */
export const authorize = ({ password, username }: URL) => (request: HttpClientRequest.HttpClientRequest) =>
  username === "" && password === ""
    ? request
    : HttpClientRequest.basicAuth(request, unescape(username), unescape(password))

/**
 * Why nobody answered, `""` when nothing tells. The innermost message says it (`connect ECONNREFUSED …`); the outer ones name
 * the URL, which may hold a secret.
 */
export const whatHappened = (error: HttpClientError.HttpClientError): string => {
  let cause: unknown = error.reason.cause
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  return cause instanceof Error ? cause.message || ("code" in cause ? String(cause.code) : "") : ""
}
