import { Effect } from "effect"
import { type Asked, serveHttp } from "./httpServer.ts"

/** An event of a room. */
export interface RoomEvent {
  readonly id: string
  readonly room: string
  readonly content: Readonly<Record<string, any>>
}

/** A homeserver that knows what a client must get right: tokens, devices, transactions, edits, invitations and limits. */
export class Homeserver {
  readonly events: Array<RoomEvent> = []
  readonly asked: Array<string> = []
  readonly logins: Array<{ readonly device: string; readonly token: string }> = []
  /** Rooms that the account is invited to and has not joined. */
  readonly invited = new Set<string>()
  /** Requests that are answered with M_LIMIT_EXCEEDED. */
  limit = 0
  /** What no edit is taken for. */
  noEdits = false
  password = "pässword"
  /** Answers are lost after they took place. */
  loses = 0
  #tokens = new Map<string, string>()
  #transactions = new Map<string, string>()

  /** Devices of the account that are logged in. */
  get devices(): ReadonlyArray<string> {
    return [...this.#tokens.values()]
  }

  /** All tokens are over. */
  expire(): void {
    this.#tokens.clear()
  }

  /** What people see in a room: each event with its last edit. */
  seen(room: string): ReadonlyArray<{ readonly id: string; readonly body: string; readonly edits: number }> {
    const all = this.events.filter((event) => event.room === room)
    const isEdit = ({ content }: RoomEvent) => content["m.relates_to"]?.rel_type === "m.replace"
    return all.filter((event) => !isEdit(event)).map(({ content, id }) => {
      const edits = all.filter((event) => isEdit(event) && event.content["m.relates_to"].event_id === id)
      return { id, edits: edits.length, body: (edits.at(-1)?.content["m.new_content"] ?? content)["body"] }
    })
  }

  readonly serve = Effect.suspend(() => serveHttp((asked) => this.#answer(asked)))

  #answer({ body, headers, method, path }: Asked) {
    const [, , , , ...at] = path.split("/").map(decodeURIComponent)
    this.asked.push(`${method} ${at[0]}`)
    const say = (status: number, json: unknown) => ({ status, body: JSON.stringify(json) })
    const error = (status: number, errcode: string, more = {}) => say(status, { errcode, error: "no", ...more })
    const json = JSON.parse(body) as Record<string, any>
    if (this.limit > 0) {
      this.limit -= 1
      return error(429, "M_LIMIT_EXCEEDED", { retry_after_ms: 90_000 })
    }
    if (at[0] === "login") {
      if (json["password"] !== this.password || json["identifier"]?.user !== "alerts") return error(403, "M_FORBIDDEN")
      const token = `token-${this.logins.length + 1}`
      const device = json["device_id"]
      // A device has one token.
      for (const [old, of] of this.#tokens) if (of === device) this.#tokens.delete(old)
      this.#tokens.set(token, device)
      this.logins.push({ device, token })
      return say(200, { access_token: token, device_id: device, user_id: "@alerts:example" })
    }
    const device = this.#tokens.get((headers.authorization ?? "").slice("Bearer ".length))
    if (device === undefined) return error(401, "M_UNKNOWN_TOKEN")
    if (at[0] === "logout") {
      this.#tokens.delete((headers.authorization ?? "").slice("Bearer ".length))
      return say(200, {})
    }
    if (at[0] === "join") {
      this.invited.delete(at[1]!)
      return say(200, { room_id: at[1] })
    }
    const [, room, , type, transaction] = at
    if (type !== "m.room.message" || method !== "PUT") return error(404, "M_UNRECOGNIZED")
    if (this.invited.has(room!)) return error(403, "M_FORBIDDEN")
    const key = JSON.stringify([device, room, transaction])
    const relation = json["m.relates_to"]
    if (relation?.rel_type === "m.replace") {
      const isThere = this.events.some((event) => event.id === relation.event_id && event.room === room)
      if (this.noEdits || !isThere || json["m.new_content"]?.body === undefined) return error(404, "M_NOT_FOUND")
    }
    if (!this.#transactions.has(key)) {
      const id = `$${this.events.length + 1}:example`
      this.#transactions.set(key, id)
      this.events.push({ id, room: room!, content: json })
    }
    if (this.loses > 0) {
      this.loses -= 1
      return undefined
    }
    return say(200, { event_id: this.#transactions.get(key) })
  }
}
