import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { readFileSync } from "node:fs"
import { afterAll, beforeAll } from "vitest"
import { MysqlClient } from "../../src/store/index.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"

const file = (name: string): string => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname
const ca = readFileSync(file("authority.pem"), "utf8")
const otherCa = readFileSync(file("self-signed.pem"), "utf8")

/** The address that the certificate is for, and one that it is not for. */
const [named, unnamed] = ["127.0.1.1", "127.0.0.1"]

describeWith(mariadb, "MysqlClient over TLS", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create({
      arguments: [
        `--bind-address=${unnamed},${named}`,
        `--ssl-cert=${file("valid.pem")}`,
        `--ssl-key=${file("valid.key")}`
      ]
    })
    await server.query(
      "CREATE USER secret@'%' IDENTIFIED BY '' REQUIRE SSL; GRANT ALL ON geodns.* TO secret@'%'"
    )
  }, 60_000)
  afterAll(() => server.destroy())

  /** The cipher of a session, or why there is none. */
  const cipher = (host: string, tls: MysqlClient.MysqlTls | undefined) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ readonly Value: string }>`SHOW SESSION STATUS LIKE 'Ssl_version'`
      return row!.Value
    }).pipe(
      Effect.catch((error) => Effect.succeed(`${error.reason._tag}: ${error.message}`)),
      Effect.provide(Layer.fresh(MysqlClient.layer({ ...server.connection(), username: "secret", host, tls })))
    )

  for (
    const [what, host, tls, expected] of [
      ["is encrypted when the authority is the right one and the name fits", named, { ca }, /^TLSv1\.[23]$/],
      ["does not happen when the name is another", unnamed, { ca }, /^ConnectionError: .*does not match/],
      [
        "does not happen when the name is that of this machine",
        "localhost",
        { ca },
        /^ConnectionError: .*does not match/
      ],
      ["does not happen when another authority is trusted", named, { ca: otherCa }, /^ConnectionError: .*certificate/],
      ["does not happen with the authorities of the system", named, {}, /^ConnectionError: .*certificate/],
      [
        "is encrypted with whoever answers when nothing is checked",
        unnamed,
        { rejectUnauthorized: false },
        /^TLSv1\.[23]$/
      ],
      ["is not plain when the server wants TLS", named, undefined, /^AuthenticationError: /]
    ] as const
  ) {
    it.live(what, () => Effect.map(cipher(host, tls), (found) => assert.match(found, expected)))
  }
})
