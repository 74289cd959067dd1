import * as Layer from "effect/Layer"
import { DnsServer } from "../dns/DnsServer.ts"
import { pdns } from "./pdns.ts"

/**
 * What answers DNS questions in a process: the embedded server, and PowerDNS where the local document says so. One place to
 * listen is enough; the others are conditions until they can be had.
 */
export const dnsServers = pdns.pipe(Layer.provideMerge(DnsServer.layerWith({ besidePowerDns: true })))
