import type { KeyPair } from "@nats-io/nkeys"
import { createHash } from "node:crypto"

const base64url = (value: string | Uint8Array) => Buffer.from(value).toString("base64url")

/** A JWT as NATS wants it: signed by an nkey, its id the hash of its claims. */
export const natsJwt = (
  type: "operator" | "account" | "user",
  subject: KeyPair,
  issuer: KeyPair,
  name: string
): string => {
  const claims = {
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    nats: {
      type,
      version: 2,
      ...type === "user" && { pub: {}, sub: {}, subs: -1, data: -1, payload: -1 },
      ...type === "account" && {
        limits: { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
        default_permissions: { pub: {}, sub: {} }
      }
    }
  }
  const jti = createHash("sha256").update(JSON.stringify(claims)).digest("hex").slice(0, 52).toUpperCase()
  const body = `${base64url(JSON.stringify({ typ: "JWT", alg: "ed25519-nkey" }))}.${
    base64url(JSON.stringify({ ...claims, jti }))
  }`
  return `${body}.${base64url(issuer.sign(Buffer.from(body)))}`
}

/** The text of a credentials file, as `nsc` writes it. */
export const credentialsFile = (jwt: string, user: KeyPair): string =>
  `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
-----BEGIN USER NKEY SEED-----
${Buffer.from(user.getSeed()).toString()}
------END USER NKEY SEED------
`
