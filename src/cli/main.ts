#!/usr/bin/env node
// Runs on older Node too, to say that it is too old: nothing else of the product is imported before that is known.
import { readFileSync } from "node:fs"
import module from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

const { engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
const needed: string = engines.node.replace(">=", "")
const [major = 0, minor = 0] = needed.split(".").map(Number)
const [ownMajor = 0, ownMinor = 0] = process.versions.node.split(".").map(Number)

/** Compiled once and not by every start. In a folder of the user: in the common one others could leave code. */
const enableCompileCache = () => {
  try {
    module.enableCompileCache(
      process.env["NODE_COMPILE_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "geodns")
    )
  } catch {
    // A user without a home starts without the cache.
  }
}

if (ownMajor > major || ownMajor === major && ownMinor >= minor) {
  enableCompileCache()
  await import("./geodns.ts")
} else {
  console.error(`geodns needs Node ${needed} or newer, this is ${process.versions.node}`)
  process.exitCode = 1
}
