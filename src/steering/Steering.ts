import * as Context from "effect/Context"
import type { Choice, Client, Explanation } from "./Choice.ts"

/** From question and client to members, by the official status and the distance. Rebuilt on change, never per question. */
export class Steering extends Context.Service<Steering, {
  /**
   * Synchronous, for the hot path. `name` in the form of `hostName`. Undefined when the name is not one that we steer.
   */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
  /** The same choice with its reasons. */
  readonly explain: (name: string, ipv6: boolean, client: Client) => Explanation | undefined
  /** The names that are steered now, in the form of `hostName`. */
  readonly names: () => ReadonlySet<string>
}>()("effect-geodns/steering/Steering") {}
