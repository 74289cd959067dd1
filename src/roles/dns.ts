import * as Layer from "effect/Layer"
import { DnsServer } from "../dns/DnsServer.ts"
import { Steering } from "../steering/Steering.ts"
import { Usage } from "../usage/Usage.ts"
import { follower } from "./follower.ts"

/** What answers DNS questions, short of a server: steering by the official status, and counting. */
export const answering = Layer.mergeAll(Steering.layer, Usage.layer)

/** A DNS node: follows the decisions, answers with the embedded server, counts. */
export const dns = DnsServer.layer.pipe(Layer.provideMerge(answering), Layer.provideMerge(follower))
