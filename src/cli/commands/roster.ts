import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readKeyFile } from "../../consensus/sealed/keyFile.ts"
import { readRosterFile, usableRosters } from "../../consensus/sealed/readRosters.ts"
import type { RosterMember } from "../../consensus/sealed/Roster.ts"
import { type RosterFile, signRosterFile } from "../../consensus/sealed/rosterFile.ts"
import { signerOf } from "../../consensus/sealed/Signer.ts"
import { verifierOf } from "../../consensus/sealed/Verifier.ts"
import { maxClusterName } from "../../domain/wire/Seal.ts"
import { toUserError, whereMissing } from "../failure.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { changedText, roleNames, rosterDocument, rosterText } from "../text/rosterText.ts"
import { replaceRoster, withMembers, writeNewRoster } from "./rosterFiles.ts"
import { exampleKey, operatorKey } from "./sealedFlags.ts"

const file = Argument.String("file").pipe(Argument.withDescription("The file of the roster"))
const id = Argument.String("id").pipe(
  Argument.withDescription("The node, by its Nats.NodeID"),
  Argument.filter((id) => id !== "" && id.length <= 256, () => "an id of 1 to 256 characters")
)
const json = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))
const retire = Flag.Boolean("retire").pipe(
  Flag.withDescription(
    "Let nothing count that was signed in earlier epochs, as after a key was stolen. Decisions from then have to be voted again"
  ),
  Flag.withDefault(false)
)

/** Changes the members of a roster file, and says what is in it then. */
const change = (options: {
  readonly file: string
  readonly json: boolean
  readonly retire: boolean
  readonly members: (members: ReadonlyArray<RosterMember>) => Effect.Effect<
    ReadonlyArray<RosterMember>,
    { readonly message: string }
  >
}) =>
  toUserError(Effect.gen(function*() {
    const before = yield* readRosterFile(options.file)
    const members = yield* options.members(before.members)
    const after = yield* Effect.fromResult(withMembers(options.file, before, members, options))
    yield* replaceRoster(options.file, after)
    yield* Console.log(
      options.json
        ? JSON.stringify(rosterDocument(after, undefined))
        : changedText(options.file, after, paint).join("\n")
    )
  }))

const make = Command.make("new", {
  file,
  cluster: Flag.String("cluster").pipe(
    Flag.withDescription("The name of the cluster: all signatures are for it, and for no other"),
    Flag.filter(
      (name) => name.trim() !== "" && name.length <= maxClusterName,
      () => `a name of 1 to ${maxClusterName} characters`
    )
  ),
  json
}, ({ cluster, file, json }) =>
  toUserError(Effect.gen(function*() {
    const roster: RosterFile = { cluster, epoch: 1, minEpoch: 1, members: [] }
    yield* writeNewRoster(file, roster)
    yield* Console.log(
      json ? JSON.stringify(rosterDocument(roster, undefined)) : changedText(file, roster, paint).join("\n")
    )
  }))).pipe(
    Command.withDescription("Writes a roster without members, to begin with. Overwrites nothing."),
    Command.withShortDescription("Begin a roster"),
    Command.withExamples([{ command: "geodns roster new roster.json --cluster dotters", description: "Begin" }])
  )

const orAsBefore = ", with --replace as before"

const add = Command.make("add", {
  file,
  id,
  key: Argument.String("key").pipe(
    Argument.withDescription('Its public key, as "geodns keys show" prints it'),
    Argument.filter((key) => verifierOf(key) !== undefined, () => 'a public key, as "geodns keys show" prints it')
  ),
  role: Flag.Literals("role", ["monitor", "dns", "collator"]).pipe(
    Flag.withDescription(`What it is; only monitors vote (default monitor${orAsBefore})`),
    Flag.optional
  ),
  ipv6: Flag.Boolean("ipv6").pipe(
    Flag.withDescription(`It has IPv6, and judges IPv6 targets (default no${orAsBefore}; --no-ipv6 takes it back)`),
    Flag.optional
  ),
  region: Flag.String("region").pipe(
    Flag.withDescription(`Where it is (default nowhere${orAsBefore}; "" takes it back)`),
    Flag.filter((region) => region.length <= 64, () => "at most 64 characters"),
    Flag.optional
  ),
  replace: Flag.Boolean("replace").pipe(
    Flag.withDescription("The member is there already, and gets this key. What else is not given stays as it was"),
    Flag.withDefault(false)
  ),
  retire,
  json
}, ({ file, id, ipv6, json, key, region, replace, retire, role }) =>
  change({
    file,
    json,
    retire,
    members: (members) => {
      const before = members.find((member) => member.id === id)
      if ((before !== undefined) !== replace) {
        return Effect.fail({
          message: replace
            ? `${id} is no member that could be replaced`
            : `${id} is a member already: --replace gives it this key, and what else is given`
        })
      }
      const where = Option.getOrElse(region, () => before?.region ?? "")
      const member: RosterMember = {
        id,
        key,
        role: Option.match(role, {
          onNone: () => before?.role ?? roleNames.monitor,
          onSome: (role) => roleNames[role]
        }),
        ipv6: Option.getOrElse(ipv6, () => before?.ipv6 ?? false),
        ...where !== "" && { region: where }
      }
      return Effect.succeed(
        before === undefined ? [...members, member] : members.map((one) => one === before ? member : one)
      )
    }
  })).pipe(
    Command.withDescription(
      "Adds a member, or replaces its key. A roster that can be in use gets a new epoch with every change, and keeps the one before. Let all nodes have one epoch before the next: they take one change at a time."
    ),
    Command.withShortDescription("Add a member, or replace its key"),
    Command.withExamples([
      {
        command: `geodns roster add roster.json monitor-eu-1 ${exampleKey} --ipv6 --region Europe`,
        description: "A monitor with IPv6"
      },
      {
        command: `geodns roster add roster.json monitor-eu-1 ${exampleKey} --replace --retire`,
        description: "Its key was stolen"
      }
    ])
  )

const remove = Command.make("remove", { file, id, retire, json }, ({ file, id, json, retire }) =>
  change({
    file,
    json,
    retire,
    members: (members) =>
      members.some((member) => member.id === id)
        ? Effect.succeed(members.filter((member) => member.id !== id))
        : Effect.fail({ message: `${id} is no member of ${file}` })
  })).pipe(
    Command.withDescription("Removes a member. What can be in use gets a new epoch, as with geodns roster add."),
    Command.withShortDescription("Remove a member"),
    Command.withExamples([{ command: "geodns roster remove roster.json monitor-eu-1", description: "It has gone" }])
  )

const show = Command.make(
  "show",
  { file, operatorKey, json },
  ({ file, json, operatorKey }) =>
    toUserError(Effect.gen(function*() {
      const roster = yield* readRosterFile(file)
      const key = Option.getOrUndefined(operatorKey)
      yield* Console.log(
        json
          ? JSON.stringify(rosterDocument(roster, key))
          : rosterText(roster, { operatorKey: key, room: terminalColumns(), paint }).join("\n")
      )
      // After it was shown: a script must not take it for good.
      yield* Effect.fromResult(usableRosters(file, roster, key))
    }))
).pipe(
  Command.withDescription(
    "Shows the members of a roster and how many votes a decision takes. Exits with 1 if no node could use it, or if it is not signed by the key that is asked for."
  ),
  Command.withShortDescription("Show a roster"),
  Command.withExamples([{ command: "geodns roster show roster.json", description: "Who votes" }])
)

const sign = Command.make("sign", {
  file,
  key: Flag.String("key").pipe(Flag.withDescription("The file of the operator's private key")),
  json
}, ({ file, json, key }) =>
  toUserError(Effect.gen(function*() {
    const roster = yield* readRosterFile(file)
    yield* Effect.fromResult(usableRosters(file, roster))
    const operator = signerOf(
      "operator",
      yield* whereMissing(`--key names the private key of the operator; "geodns keys new" makes one`)(readKeyFile(key))
    )
    const signed = signRosterFile(roster, operator.sign)
    yield* replaceRoster(file, signed)
    yield* Console.log(
      json
        ? JSON.stringify(rosterDocument(signed, operator.publicKey))
        : `signed epoch ${signed.epoch} of ${file}, and those before it. The key that nodes have to pin:\n${operator.publicKey}`
    )
  }))).pipe(
    Command.withDescription(
      "Signs a roster, with the earlier ones in its file, by the key of an operator. Look at it first with geodns roster show: a signature says that all of it is meant."
    ),
    Command.withShortDescription("Sign a roster"),
    Command.withExamples([{
      command: "geodns roster sign roster.json --key operator.key",
      description: "After each change"
    }])
  )

export const roster = Command.make("roster").pipe(
  Command.withDescription("Work with the roster: who takes part in sealed consensus, with which keys"),
  Command.withSubcommands([make, add, remove, show, sign])
)
