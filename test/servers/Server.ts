import { accessSync, constants } from "node:fs"
import { join } from "node:path"
import { describe } from "vitest"

/** A server that tests start for themselves, privately. */
export interface ServerKind {
  readonly name: string
  /** What has to be on the machine. */
  readonly binaries: ReadonlyArray<string>
  /** The packages of Debian and Ubuntu that have them. */
  readonly aptPackages: ReadonlyArray<string>
}

export const nats: ServerKind = { name: "nats-server", binaries: ["nats-server"], aptPackages: ["nats-server"] }
export const mariadb: ServerKind = {
  name: "MariaDB",
  binaries: ["mariadbd", "mariadb-install-db"],
  aptPackages: ["mariadb-server"]
}
export const pdns: ServerKind = {
  name: "PowerDNS",
  binaries: ["pdns_server", "pdnsutil", "dig"],
  aptPackages: ["pdns-server", "pdns-backend-remote", "dnsutils"]
}
export const dnsperf: ServerKind = { name: "dnsperf", binaries: ["dnsperf"], aptPackages: ["dnsperf"] }
export const alertmanager: ServerKind = {
  name: "Alertmanager",
  binaries: ["prometheus-alertmanager", "amtool"],
  aptPackages: ["prometheus-alertmanager"]
}

/** All that the tests need. `npm run servers` installs them. */
export const serverKinds: ReadonlyArray<ServerKind> = [nats, mariadb, pdns, dnsperf, alertmanager]

/** The path of a program, from the PATH and from where Debian puts servers. */
export const findBinary = (binary: string): string | undefined => {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin", "/sbin"]
  return folders.filter((folder) => folder !== "").map((folder) => join(folder, binary)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export const isInstalled = ({ binaries }: ServerKind): boolean =>
  binaries.every((binary) => findBinary(binary) !== undefined)

/** The path of a program of a server that is installed. */
export const binaryOf = (binary: string): string => {
  const path = findBinary(binary)
  if (path === undefined) throw new Error(`${binary} is not installed: npm run servers`)
  return path
}

/**
 * Tests that need a server. Without it they are skipped, loudly and counted; with `REQUIRE_SERVERS=1`, as `npm run verify`
 * has it, they fail.
 */
export const describeWith = (server: ServerKind, name: string, tests: () => void): void => {
  if (isInstalled(server) || process.env["REQUIRE_SERVERS"] === "1") return void describe(name, tests)
  console.warn(`SKIPPED, ${server.name} is not installed (npm run servers, as root): ${name}`)
  describe.skip(name, tests)
}
