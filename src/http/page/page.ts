import { createHash } from "node:crypto"
import type { StatusDocument } from "../StatusDocument.ts"
import { html } from "./markup.ts"
import { script } from "./script.ts"
import { style } from "./style.ts"
import { view } from "./view.ts"

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/**
 * The policy of the page: its one script and its one style, by their hashes, questions to its own server, and nothing
 * else. Even a text that got through as HTML could neither run, load nor send anything.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
  "%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%231f5fbf' stroke-width='2'/%3E" +
  "%3Ccircle cx='8' cy='8' r='2.5' fill='%231f5fbf'/%3E%3C/svg%3E"

/** The status page as one HTML document. Without JavaScript it is loaded again every ten seconds. */
export const page = (status: StatusDocument): string => {
  const main = view(status)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${html({ tag: "title", attributes: {}, children: [main.attributes["data-title"] ?? "GeoDNS"] })}
<noscript><meta http-equiv="refresh" content="10"></noscript>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>
<p id="lost" role="alert" hidden>This node does not answer. What you see is how it was.</p>
${html(main)}
<script>${script}</script>
</body>
</html>
`
}
