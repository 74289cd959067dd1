import { type BusRole, busRoles, type BusUser, type Permissions, permissionsOf } from "./Permissions.ts"

/** A user of the broker. */
export interface NatsUser extends BusUser {
  /** What it logs in with, or what an nkey is for. */
  readonly name: string
  /** The public nkey that it logs in with; with a password when missing. */
  readonly nkey?: string
}

/** A user as it is configured. */
export interface ConfiguredUser {
  readonly user: string
  readonly role: BusRole
  /** The variable of the broker's environment that holds its password; missing with an nkey. */
  readonly passwordVariable?: string
  readonly nkey?: string
  readonly permissions: Permissions
}

/** One user for each role, for as many nodes as there are. */
export const usersOfRoles: ReadonlyArray<NatsUser> = busRoles.map((role) => ({ name: role, role }))

const variableOf = (name: string): string =>
  `NATS_${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_").replaceAll(/^_|_$/g, "")}_PASSWORD`

/** The users as they are configured. No two have one variable, whatever they are called. */
export const configuredUsers = (users: ReadonlyArray<NatsUser>): ReadonlyArray<ConfiguredUser> => {
  const taken = new Set<string>()
  const variable = (name: string): string => {
    const wanted = variableOf(name)
    let free = wanted
    for (let n = 2; taken.has(free); n++) free = wanted.replace(/PASSWORD$/, `${n}_PASSWORD`)
    taken.add(free)
    return free
  }
  return users.map((user) => ({
    user: user.name,
    role: user.role,
    ...user.nkey === undefined ? { passwordVariable: variable(user.name) } : { nkey: user.nkey },
    permissions: permissionsOf(user)
  }))
}

const list = (subjects: ReadonlyArray<string>): string => `[${subjects.map((one) => JSON.stringify(one)).join(", ")}]`

const userLines = ({ nkey, passwordVariable, permissions, role, user }: ConfiguredUser): ReadonlyArray<string> => [
  "      {",
  ...nkey === undefined
    ? [`        user: ${JSON.stringify(user)}  # ${role}`, `        password: $${passwordVariable}`]
    : [`        nkey: ${nkey}  # ${role} ${JSON.stringify(user)}`],
  "        permissions {",
  `          publish: ${list(permissions.publish)}`,
  `          subscribe: ${list(permissions.subscribe)}`,
  "        }",
  "      }"
]

const explanation = `What each node may say and hear on the broker, by its role. Made by "geodns nats-permissions".
Into the configuration of nats-server, in the place of "authorization"; "nats-server -t -c FILE" checks it.

What the broker enforces by this:
- Only monitors propose, vote and decide. A DNS node or collator that was taken over can say none of that.
- Only monitors and collators, and nodes with --may-override, take members out by hand.
- A user with the name of a node hears no answers but its own: its inboxes begin with _INBOX.<Nats.NodeID>, in v2 as well.
- A shadow says nothing but questions. An agent says nothing but its own report, if it has a user of its own, with the
  key of its member for a name, and hears nothing.

What it does not: that a monitor votes as itself. All monitors vote on consensus.vote, where v2's have to hear them; the voter
stands in the message, which a broker does not read. So a monitor that was taken over can vote in the name of others, and decide
alone. Against that there are signatures: GeoDNS.Consensus.Mode "prefer" or "require" with a roster takes no vote in the name of a
member that it did not sign, whoever passes it on, the broker included. A subject for each voter would not do it: votes on
consensus.vote would have to count all the same, as long as there are monitors of v2.
Nor does it hold a monitor off proposals, decisions and overrides in the name of others, or anybody off announcing itself as
another node on consensus.cluster. Overrides are not signed.

Everybody who answers may write into all inboxes: their names cannot be guessed. Never use allow_responses instead. It lets a client
say anything on any subject that it was asked to answer on, and a client may ask itself.`

const passwords = `Passwords come from the environment of the broker, which does not start without them.`

const comment = (text: string): ReadonlyArray<string> => text.split("\n").map((line) => line === "" ? "#" : `# ${line}`)

/** A part of a configuration of nats-server that lets these users do what their roles need, and nothing else. No secrets. */
export const natsUsersConfig = (users: ReadonlyArray<ConfiguredUser>): string =>
  [
    ...comment(explanation),
    ...users.some(({ nkey }) => nkey === undefined) ? comment(`\n${passwords}`) : [],
    "",
    "accounts {",
    "  GEODNS {",
    "    users: [",
    ...users.flatMap(userLines),
    "    ]",
    "  }",
    "}"
  ].join("\n")
