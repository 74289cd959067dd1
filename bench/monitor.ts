import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { atLeast, atMost, type Benchmark } from "./measure.ts"
import { unitFlags } from "./unitFlags.ts"

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const addresses = 16

/** The members of the benchmark in a process of their own: the port that they are on, and how they end. */
const serve = async () => {
  const child = spawn(process.execPath, [program("./monitor-servers.ts"), String(addresses)], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const [port] = await once(createInterface(child.stdout), "line")
  const end = async () => {
    const ended = once(child, "exit")
    child.stdin.end()
    await ended
  }
  return { port: String(port), end }
}

/**
 * 30,000 HTTP targets every 10 s against servers on 16 loopback addresses, a fresh connection each. A Go peer publishes 60 % of
 * a core and 667 MB for as many. CPU and memory are those of the monitor alone.
 */
export const run: Benchmark = async ({ smoke }) => {
  const { end, port } = await serve()
  try {
    const size = smoke ? ["20", "50", String(addresses), "2", "5"] : ["100", "300", String(addresses), "20", "30"]
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...unitFlags(),
      program("./monitor-process.ts"),
      port,
      ...size
    ])
    const found = JSON.parse(stdout.trim().split("\n").at(-1)!)
    const of = `${found.targets} HTTP targets`
    return [
      atLeast(`probes, ${of} every 10 s`, found.perSecond, "1/s", 0.98 * found.targets / 10),
      atMost(`CPU, ${of}`, found.cpuPercent, "% of a core", 60),
      atMost("CPU of one probe", found.microsPerProbe, "µs", 200),
      atMost(`memory, ${of}`, found.rssMb, "MB", 400),
      atMost("peak memory", found.peakMb, "MB", 667),
      atMost("lateness p99, at most", found.latenessMillis, "ms", 500),
      atMost("probes that failed or were left out", found.down + found.skipped, "", 0)
    ]
  } finally {
    await end()
  }
}
