import { assert, describe, it } from "@effect/vitest"
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { binaryOf, describeWith, dnsperf } from "../servers/Server.ts"
import { read } from "./packets.ts"
import { type Change, names as steadyNames, questions, type Sent, type State } from "./steady/world.ts"

const perSecond = 10_000

const start = (script: string, ...parameters: ReadonlyArray<string>): ChildProcess =>
  fork(join(import.meta.dirname, "steady", script), parameters, { execArgv: [], serialization: "advanced" })

/** What a process tells next; fails when it ends instead. */
const told = async <A>(child: ChildProcess): Promise<A> => {
  const stop = new AbortController()
  const { signal } = stop
  try {
    const [message] = await Promise.race([
      once(child, "message", { signal }),
      once(child, "exit", { signal }).then(([code]) => Promise.reject(new Error(`a process ended with ${code}`)))
    ])
    return message as A
  } finally {
    stop.abort()
  }
}

interface Log {
  readonly changes: ReadonlyArray<Change>
  readonly longestPause: number
}

/** A server whose world changes all the time; `stop` gives what changed when. */
const serve = async () => {
  const folder = mkdtempSync(join(tmpdir(), "geodns-steady-"))
  const child = start("server.child.ts", folder)
  const { port } = await told<{ readonly port: number }>(child)
  return {
    port,
    folder,
    stop: (): Promise<Log> => {
      const log = told<Log>(child)
      child.send("stop")
      return log
    },
    dispose: () => {
      child.kill("SIGKILL")
      rmSync(folder, { recursive: true })
    }
  }
}

/** What of a kind was in force from when until when at most: both while one takes the place of the other. */
const timeline = (changes: ReadonlyArray<Change>, of: keyof State) => {
  const own = changes.filter((change) => change.of === of)
  return [{ to: 0, begin: Number.NEGATIVE_INFINITY }, ...own].map(({ begin, to }, i) => ({
    to,
    from: begin,
    until: own[i]?.end ?? Number.POSITIVE_INFINITY
  }))
}

/** What was in force at some moment from `from` to `to`. */
const during = (spans: ReturnType<typeof timeline>, from: number, to: number): ReadonlyArray<number> => {
  // The spans are in order: the first that reaches `from`, and those after it until one begins too late.
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (spans[middle]!.until < from) low = middle + 1
    else high = middle
  }
  const found = new Set<number>()
  for (let i = low; i < spans.length && spans[i]!.from <= to; i++) found.add(spans[i]!.to)
  return [...found]
}

/** What a response says, in the form of `SteadyQuestion.right`. */
const essence = (hex: string, packet: Buffer): string => {
  const response = read(Buffer.concat([packet.subarray(0, 2), Buffer.from(hex, "hex")]))
  const asked = read(packet)
  const isForUs = response.qr && response.question === asked.question && !response.tc && !response.ra &&
    response.subnet!.slice(0, 6) === asked.subnet!.slice(0, 6) && response.subnet!.slice(8) === asked.subnet!.slice(8)
  const data = response.answers.map((line) => {
    const [name, ttl, , address] = line.split(" ")
    return name === asked.question.split(" ")[0] ? `${address} ${ttl}` : `of ${name}`
  })
  return [
    isForUs ? response.rcode : "not an answer to this question",
    data.length === 0 ? "-" : data.join(" "),
    ...response.authority.length === 1 ? ["soa"] : [],
    `/${Number.parseInt(response.subnet!.slice(6, 8), 16)}`
  ].join(" ")
}

/** The answers that were not right at any moment between question and answer; and how many different ones were given. */
const check = ({ answers, responses }: Sent, changes: ReadonlyArray<Change>) => {
  const version = timeline(changes, "version")
  const database = timeline(changes, "database")
  const health = timeline(changes, "health")
  const essences = new Map<string, string>()
  const rightIn = new Map<string, ReadonlyArray<string>>()
  const wrong: Array<unknown> = []
  for (let i = 0; i < answers.length; i += 4) {
    const [question = 0, response = 0, askedAt = 0, answeredAt = 0] = answers.subarray(i, i + 4)
    const key = `${question} ${response}`
    const given = essences.get(key) ?? essence(responses[response]!, questions[question]!.packet)
    essences.set(key, given)
    const states = [version, database, health].map((spans) => during(spans, askedAt, answeredAt))
    const stateKey = `${question} ${states.map((list) => list.join()).join(" ")}`
    let right = rightIn.get(stateKey)
    if (right === undefined) {
      const [versions = [], databases = [], healths = []] = states
      const { right: rightFor } = questions[question]!
      right = versions.flatMap((version) =>
        databases.flatMap((database) => healths.flatMap((health) => rightFor({ version, database, health })))
      )
      rightIn.set(stateKey, right)
    }
    if (!right.includes(given)) wrong.push({ question, given, right, states, askedAt, answeredAt })
  }
  return { wrong, given: new Set(essences.values()) }
}

const changesOf = ({ changes }: Log, of: keyof State): number => changes.filter((change) => change.of === of).length

/** That the world changed while it was asked. */
const assertChanges = (log: Log, times: number): void => {
  for (const  of of["version", "database", "health"] as const) assert.isAtLeast(changesOf(log, of), times, of)
}

const describeLog = (log: Log): string =>
  `${changesOf(log, "version")} versions of the documents, ${changesOf(log, "database")} GeoIP databases, ` +
  `${changesOf(log, "health")} changes of health, longest pause ${log.longestPause.toFixed(0)} ms`

/** What changes all the time: documents, GeoIP database, health. */
const world = "a server whose world changes all the time"

describe(world, () => {
  it("answers a steady stream of questions, each as was right while it was under way, and loses none", async () => {
    const server = await serve()
    try {
      const sent = await told<Sent>(start("sender.child.ts", `${server.port}`, `${perSecond}`, "12"))
      const log = await server.stop()
      const { given, wrong } = check(sent, log.changes)
      console.info(
        `${sent.questions} questions, ${Math.round(sent.questions / sent.seconds)}/s of ${perSecond}/s, ` +
          `slowest answer ${sent.slowest.toFixed(0)} ms; ${describeLog(log)}`
      )
      assert.deepStrictEqual(wrong.slice(0, 5), [])
      assert.strictEqual(wrong.length, 0)
      assert.deepInclude(sent, { lost: 0, strays: 0 })
      assert.strictEqual(sent.answers.length / 4, sent.questions)
      // That there was something to get wrong.
      assert.isAtLeast(sent.questions, 5_000)
      assert.isAtLeast(given.size, 40)
      assertChanges(log, 5)
    } finally {
      server.dispose()
    }
  }, 120_000)
})

describeWith(dnsperf, world, () => {
  it("loses none of the questions of dnsperf", async () => {
    const server = await serve()
    const file = join(server.folder, "questions.txt")
    writeFileSync(file, steadyNames.flatMap((name) => [`${name} A\n`, `${name} AAAA\n`]).join(""))
    try {
      const child = spawn(
        binaryOf("dnsperf"),
        [
          "-s",
          "127.0.0.1",
          "-p",
          `${server.port}`,
          "-d",
          file,
          "-Q",
          `${perSecond}`,
          "-q",
          // As many under way as fit into the smallest buffer of a system: it drops none.
          "150",
          "-b",
          "4096",
          "-l",
          "5",
          "-t",
          "15"
        ],
        { stdio: ["ignore", "pipe", "inherit"] }
      )
      const printed = (await child.stdout.toArray()).join("")
      const log = await server.stop()
      const figure = (name: string): number => Number(new RegExp(`${name}:\\s+([\\d.]+)`).exec(printed)?.[1])
      console.info(`dnsperf: ${figure("Queries per second")}/s of ${perSecond}/s; ${describeLog(log)}`)
      assert.strictEqual(figure("Queries lost"), 0, printed)
      assert.strictEqual(figure("Queries completed"), figure("Queries sent"), printed)
      assert.match(printed, /Response codes:\s+NOERROR \d+ \(100.00%\)\n/)
      assert.isAtLeast(figure("Queries completed"), 2_000)
      assertChanges(log, 3)
    } finally {
      server.dispose()
    }
  }, 60_000)
})
