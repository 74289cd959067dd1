import { cheapSigner, type Signer } from "../../../src/consensus/sealed/Signer.ts"

/** The signer of a member with a key of this name. */
export const signerOf = (id: string, keyName = id): Pick<Signer["Service"], "id" | "sign"> => ({
  id,
  sign: cheapSigner(keyName).sign
})
