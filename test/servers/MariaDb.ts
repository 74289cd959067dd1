import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { binaryOf } from "./Server.ts"

const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const server = createServer().once("error", fail).listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** How a test wants its server. */
export interface MariaDbOptions {
  /** The time zone of every session that asks for none. Not UTC, so that nothing relies on it: `-07:00`. */
  readonly timeZone?: string
  /** Further arguments of `mariadbd`. */
  readonly arguments?: ReadonlyArray<string>
}

const startTimeout = 30_000

/** A MariaDB server of a test's own: on loopback, at a free port, in a temporary folder, as root without a password. */
export class MariaDb {
  readonly host = "127.0.0.1"
  readonly port: number
  private readonly folder: string
  private readonly options: MariaDbOptions
  private child: ChildProcess | undefined
  private log = ""

  private constructor(port: number, folder: string, options: MariaDbOptions) {
    this.port = port
    this.folder = folder
    this.options = options
  }

  /** A server that runs, with the empty database `geodns`. */
  static async create(options: MariaDbOptions = {}): Promise<MariaDb> {
    const folder = mkdtempSync(join(tmpdir(), "geodns-mariadb-"))
    try {
      await promisify(execFile)(binaryOf("mariadb-install-db"), [
        "--no-defaults",
        `--datadir=${join(folder, "data")}`,
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--user=root"
      ])
      const server = new MariaDb(await freePort(), folder, options)
      await server.start()
      await server.query("CREATE DATABASE geodns CHARACTER SET utf8mb4")
      return server
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** A server that goes with the scope. */
  static readonly make = (options: MariaDbOptions = {}): Effect.Effect<MariaDb, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.promise(() => MariaDb.create(options)),
      (server) => Effect.promise(() => server.destroy())
    )

  /** How our client reaches it, or one of its databases other than `geodns`. */
  connection(database = "geodns") {
    return { host: this.host, port: this.port, database, username: "root", password: Redacted.make("") }
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Starts it, again at the same port and over the same files, and waits until it answers. */
  async start(): Promise<void> {
    if (this.child !== undefined) return
    const child = spawn(binaryOf("mariadbd"), [
      "--no-defaults",
      "--user=root",
      `--datadir=${join(this.folder, "data")}`,
      `--socket=${join(this.folder, "socket")}`,
      // Another server that starts removes what it finds of such files in a folder that they share.
      `--tmpdir=${this.folder}`,
      `--pid-file=${join(this.folder, "pid")}`,
      "--bind-address=127.0.0.1",
      `--port=${this.port}`,
      "--skip-name-resolve",
      `--default-time-zone=${this.options.timeZone ?? "-07:00"}`,
      ...this.options.arguments ?? []
    ], { stdio: ["ignore", "ignore", "pipe"] })
    this.child = child
    this.log = ""
    child.stderr.on("data", (data) => this.log = (this.log + data).slice(-8_000))
    child.once("exit", () => {
      if (this.child === child) this.child = undefined
    })
    const deadline = performance.now() + startTimeout
    while (true) {
      try {
        return void await this.query("SELECT 1", "")
      } catch (error) {
        if (this.child !== child || performance.now() > deadline) {
          await this.kill()
          throw new Error(`MariaDB does not start (${error}):\n${this.log}`)
        }
        await new Promise((done) => setTimeout(done, 20))
      }
    }
  }

  /** Ends it as an operator would. */
  stop(): Promise<void> {
    return this.end("SIGTERM")
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.end("SIGKILL")
  }

  /** Stops it in the midst of everything: connections stay and nothing answers any more. */
  pause(): void {
    this.child?.kill("SIGSTOP")
  }

  resume(): void {
    this.child?.kill("SIGCONT")
  }

  /** Ends it and removes its files. */
  async destroy(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs statements on a connection of their own, past our client, several with `;` between them. */
  async query<Row = Record<string, unknown>>(sql: string, database = "geodns"): Promise<ReadonlyArray<Row>> {
    const { createConnection } = await import("mysql2/promise")
    const connection = await createConnection({
      host: this.host,
      port: this.port,
      user: "root",
      ...(database !== "" && !sql.startsWith("CREATE DATABASE") && { database }),
      multipleStatements: true,
      dateStrings: true,
      connectTimeout: 2_000
    })
    // A server that is killed meanwhile is told by the statement.
    connection.on("error", () => {})
    try {
      const [rows] = await connection.query<any>(sql)
      return rows
    } finally {
      connection.destroy()
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this
    if (child === undefined) return
    const ended = new Promise<void>((done) => child.once("exit", () => done()))
    child.kill(signal)
    // One that is stopped hears nothing else.
    child.kill("SIGCONT")
    await ended
    this.child = undefined
  }
}
