import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { configuredUsers, type NatsUser, natsUsersConfig, usersOfRoles } from "../../bus/natsUsers.ts"
import { type BusRole, busRoles } from "../../bus/Permissions.ts"
import { readRosterFile } from "../../consensus/sealed/readRosters.ts"
import { toUserError, whereMissing, wrongUsage } from "../failure.ts"
import { roleNames } from "../text/rosterText.ts"

const wrong = (message: string) => Effect.fail(wrongUsage("nats-permissions", message))

const isRole = (text: string): text is BusRole => busRoles.some((role) => role === text)

/** What stands before and behind the last colon: ids may have colons. */
const split = (text: string): readonly [string, string] => {
  const colon = text.lastIndexOf(":")
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)]
}

const isName = (id: string): boolean => id !== "" && id.length <= 256 && !/\p{Cc}/u.test(id)

const readNode = Effect.fnUntraced(function*(text: string) {
  const [node, role] = split(text)
  if (isName(node) && isRole(role)) return { name: node, node, role } satisfies NatsUser
  return yield* wrong(
    `--node ${JSON.stringify(text)}: what is wanted is ID:ROLE, with a role of ${busRoles.join(", ")}`
  )
})

/** A key that was given is never shown: it may be a seed by mistake. */
const readKey = Effect.fnUntraced(function*(text: string) {
  const [name, key] = split(text)
  if (/^U[A-Z2-7]{55}$/.test(key)) return [name, key] as const
  return yield* wrong(
    /^S[A-Z]/.test(key)
      ? `--nkey for ${
        JSON.stringify(name)
      }: that is a seed, which is secret: give the public key, which begins with U, and make a new pair`
      : "--nkey: what is wanted is ID:KEY, with a public key of a user: 56 letters and digits, the first of them U"
  )
})

const rosterUsers = (path: string) =>
  readRosterFile(path).pipe(
    whereMissing("--roster names that of the cluster, as GeoDNS.Consensus.Roster does in the local document of a node"),
    Effect.map(({ members }) =>
      members.flatMap(({ id, role }): ReadonlyArray<NatsUser> => {
        const name = Object.entries(roleNames).find(([, onTheWire]) => onTheWire === role)?.[0] ?? ""
        return isRole(name) ? [{ name: id, node: id, role: name }] : []
      })
    )
  )

const usersOf = Effect.fnUntraced(function*(options: {
  readonly node: ReadonlyArray<string>
  readonly roster: Option.Option<string>
  readonly nkey: ReadonlyArray<string>
  readonly mayOverride: ReadonlyArray<string>
}) {
  const named = [
    ...Option.isSome(options.roster) ? yield* rosterUsers(options.roster.value) : [],
    ...yield* Effect.forEach(options.node, readNode)
  ]
  const users = named.length > 0 ? named : usersOfRoles
  const unfit = users.find(({ name }) => !isName(name))
  if (unfit !== undefined) {
    return yield* Effect.fail({
      message: `${JSON.stringify(unfit.name)} of the roster is no id that a user of the broker can have`
    })
  }
  const names = new Set(users.map(({ name }) => name))
  if (names.size < users.length) {
    const twice = users.find(({ name }, i) => users.findIndex((other) => other.name === name) !== i)
    return yield* wrong(`${JSON.stringify(twice?.name)} is there twice: a node has one user, with one role`)
  }
  const nkeys = new Map(yield* Effect.forEach(options.nkey, readKey))
  const unknown = [...nkeys.keys(), ...options.mayOverride].find((name) => !names.has(name))
  if (unknown !== undefined) {
    return yield* wrong(`${JSON.stringify(unknown)} is none of the users, which are ${[...names].join(", ")}`)
  }
  const shadow = users.find(({ name, role }) => role === "shadow" && options.mayOverride.includes(name))
  if (shadow !== undefined) return yield* wrong(`${JSON.stringify(shadow.name)} is a shadow, which gives no overrides`)
  return configuredUsers(users.map((user): NatsUser => {
    const nkey = nkeys.get(user.name)
    return { ...user, ...nkey !== undefined && { nkey }, mayOverride: options.mayOverride.includes(user.name) }
  }))
})

export const natsPermissions = Command.make("nats-permissions", {
  node: Flag.String("node").pipe(
    Flag.withDescription(
      `A node with a user of its own, as ID:ROLE; the roles are ${busRoles.join(", ")}. Again for more`
    ),
    Flag.atLeast(0)
  ),
  roster: Flag.String("roster").pipe(
    Flag.withDescription("The file of a roster: each of its members gets a user of its own"),
    Flag.optional
  ),
  nkey: Flag.String("nkey").pipe(
    Flag.withDescription("The public nkey of a user, as ID:KEY, instead of a password. Again for more"),
    Flag.atLeast(0)
  ),
  mayOverride: Flag.String("may-override").pipe(
    Flag.withDescription(
      "A DNS node with MgmtApi.AuthKeys of its own, by its ID: it may take members out by hand. Again for more"
    ),
    Flag.atLeast(0)
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the users as JSON"), Flag.withDefault(false))
}, ({ json, ...options }) =>
  toUserError(Effect.gen(function*() {
    const users = yield* usersOf(options)
    yield* Console.log(json ? JSON.stringify({ users }) : natsUsersConfig(users))
  }))).pipe(
    Command.withDescription(
      "Prints users for the configuration of nats-server, with what each may say and hear by its role, and what a broker cannot enforce. With neither nodes nor roster there is one user for each role. Passwords are left to the environment of the broker."
    ),
    Command.withShortDescription("What each role may say on the broker"),
    Command.withExamples([
      { command: "geodns nats-permissions > permissions.conf", description: "A user for each role" },
      {
        command: "geodns nats-permissions --node monitor-eu-1:monitor --node dns-eu-1:dns",
        description: "A user for each node, which hears no answers but its own"
      },
      { command: "geodns nats-permissions --roster roster.json --json", description: "For scripts" }
    ])
  )
