import * as Flag from "effect/cli/Flag"
import { verifierOf } from "../../consensus/sealed/Verifier.ts"

/** A public key for examples: the private one was thrown away. */
export const exampleKey = "ed25519:WhqFmOkig7IwfWByTehdNlsxt4yN2XDxeJk2qvBeKcc"

/** `--operator-key KEY`: who has to have signed the roster. */
export const operatorKey = Flag.String("operator-key").pipe(
  Flag.withDescription(
    "The public key of the operator who has to have signed the roster (default: it need not be signed)"
  ),
  Flag.filter((key) => verifierOf(key) !== undefined, () => 'a public key, as "geodns keys show" prints it'),
  Flag.optional
)
