/**
 * Makes sure that the servers of the tests are on this machine: they are found, or installed by apt when this runs as root
 * with CI or INSTALL_SERVERS=1. None of them is started, or set up to start with the machine.
 */
import { spawnSync } from "node:child_process"
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { isInstalled, serverKinds } from "./Server.ts"

const missing = serverKinds.filter((server) => !isInstalled(server))
for (const server of serverKinds) {
  console.log(`${server.name}: ${missing.includes(server) ? "missing" : "here"}`)
}

const mayInstall = process.getuid?.() === 0
  && (["CI", "INSTALL_SERVERS"].some((name) => !["", "0", "false", undefined].includes(process.env[name])))

const run = (command: string, args: ReadonlyArray<string>): boolean => {
  console.log(`$ ${command} ${args.join(" ")}`)
  const { status } = spawnSync(command, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  })
  return status === 0
}

/** Keeps a package from starting its server while it is installed. */
const policy = "/usr/sbin/policy-rc.d"

if (missing.length > 0) {
  const packages = missing.flatMap(({ aptPackages }) => aptPackages)
  if (!mayInstall) {
    console.error(
      `Install ${packages.join(" and ")}, or run this as root with INSTALL_SERVERS=1 to have apt do it.`
    )
    process.exit(1)
  }
  const ownPolicy = !existsSync(policy)
  if (ownPolicy) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 })
  try {
    const install = ["install", "-y", "-q", "--no-install-recommends", ...packages]
    // The lists of a fresh machine are empty or old.
    if (!(run("apt-get", ["update", "-q"]) && run("apt-get", install))) process.exitCode = 1
  } finally {
    if (ownPolicy) rmSync(policy)
  }
  const still = missing.filter((server) => !isInstalled(server))
  if (still.length > 0) {
    console.error(`Still missing: ${still.map(({ name }) => name).join(", ")}`)
    process.exitCode = 1
  }
}
