/** Verifies a receipt offline: every check by name, and the verdict that follows. */
import { CHECK_NAMES, type Check, type CheckName, check, type Verdict, verdictOf } from "./checks.ts";
import { commitmentOf } from "./commitment.ts";
import { expectMinimum } from "./difficulty.ts";
import { SealError } from "./error.ts";
import { expectDigest, fromHex, toHex } from "./fields.ts";
import { decodeReceipt, type Receipt } from "./receipt.ts";
import { encodeSeal } from "./seal.ts";
import { sealChecks, signerCheck } from "./seal-checks.ts";
import { VerifyingKey } from "./signing-key.ts";
import { isIncluded } from "./tree.ts";
import type { TrustedKeys } from "./trust.ts";

export interface VerifyOptions {
  readonly trustedKeys: TrustedKeys;
  /** 32 bytes, computed from the image's raster. */
  readonly rasterDigest?: Uint8Array;
  /** 32 bytes, SHA-256 of the image file. */
  readonly fileDigest?: Uint8Array;
  /** 2^-32…2^208, or 0 for none. Where it is not given: 256, and none for a seal by a simulated device. */
  readonly minDifficulty?: number;
}

export type Verification = Verdict & {
  /** One of each name, in the order of `CHECK_NAMES`. */
  readonly checks: readonly Check[];
  /** Null where the receipt could not be read. */
  readonly receipt: Receipt | null;
};

function digestCheck(name: "file" | "raster", given: Uint8Array | undefined, stated: string): Check {
  if (given === undefined) return { name, verdict: "skipped", detail: `No ${name} was given to compare with.` };
  const found = toHex(given);
  return check(
    name,
    found === stated,
    `The ${name} has digest ${found}.`,
    `The ${name} has digest ${found}, the result's has ${stated}.`,
  );
}

function resultChecks(receipt: Receipt, key: VerifyingKey): Check[] {
  const { result, seal, inclusion } = receipt;
  const computed = toHex(commitmentOf(result));
  const commitment = fromHex(receipt.commitment);
  const path = inclusion.path.map(fromHex);
  const included = isIncluded(commitment, { index: inclusion.index, path }, fromHex(seal.root), seal.size);
  return [
    check("commitment", computed === receipt.commitment, "It is the result's.", `The result's is ${computed}.`),
    check(
      "signature",
      key.verifies(commitment, fromHex(receipt.signature)),
      "The signature is the stated key's.",
      "The signature is not the stated key's over this commitment.",
    ),
    check(
      "inclusion",
      included,
      `It is number ${inclusion.index} of ${seal.size}, counted from 0.`,
      "The path does not lead from the commitment to the batch's root.",
    ),
    check(
      "appliance",
      result.appliance === seal.appliance,
      "Both are the same.",
      `The result is of ${result.appliance}, the seal of ${seal.appliance}.`,
    ),
  ];
}

function simulationCheck({ result, seal }: Receipt): Check {
  if (seal.device.simulated)
    return { name: "simulation", verdict: "simulated", detail: "A simulated device did the work." };
  if (result.simulated) {
    return { name: "simulation", verdict: "simulated", detail: "The device present at the result was simulated." };
  }
  return { name: "simulation", verdict: "passed", detail: "Neither result nor seal is marked as simulated." };
}

function inOrder(checks: readonly Check[]): Check[] {
  const place = (name: CheckName) => CHECK_NAMES.indexOf(name);
  return [...checks].sort((a, b) => place(a.name) - place(b.name));
}

function unreadable(error: SealError): Verification {
  const checks = CHECK_NAMES.map((name): Check => {
    if (name === "form") return { name, verdict: "failed", detail: `${error.detail}.` };
    return { name, verdict: "skipped", detail: "The receipt could not be read." };
  });
  return { ...verdictOf(checks), checks, receipt: null };
}

function expectOptions({ fileDigest, rasterDigest, minDifficulty }: VerifyOptions): void {
  if (fileDigest !== undefined) expectDigest("fileDigest", fileDigest);
  if (rasterDigest !== undefined) expectDigest("rasterDigest", rasterDigest);
  if (minDifficulty !== undefined) expectMinimum(minDifficulty);
}

/** Seals and keys that are remembered; receipts of one batch share theirs. */
const REMEMBERED = 16;

/** The value made for `key`, or the one remembered; of the oldest none is kept. */
function remembered<T>(memory: Map<string, T>, key: string, make: () => T): T {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  memory.set(key, made);
  const [oldest] = memory.keys();
  if (memory.size > REMEMBERED && oldest !== undefined) memory.delete(oldest);
  return made;
}

/** Verifies many receipts against the same keys: a seal, and a key, that comes again is not verified again. */
export class ReceiptVerifier {
  readonly #options: VerifyOptions;
  readonly #keys = new Map<string, VerifyingKey>();
  /** By the seal's whole text. */
  readonly #seals = new Map<string, readonly Check[]>();

  /** @throws SealError SEAL_LENGTH or SEAL_DIFFICULTY */
  constructor(options: VerifyOptions) {
    expectOptions(options);
    this.#options = options;
  }

  /**
   * Every check runs, whatever the others say, so that the list tells where a receipt was changed.
   *
   * @param text untrusted; never throws because of it
   */
  verify(text: string | Uint8Array): Verification {
    let receipt: Receipt;
    try {
      receipt = decodeReceipt(text);
    } catch (error) {
      if (error instanceof SealError) return unreadable(error);
      throw error;
    }
    const checks = this.#checks(receipt);
    return { ...verdictOf(checks), checks, receipt };
  }

  #checks(receipt: Receipt): Check[] {
    const { seal, result } = receipt;
    const { fileDigest, rasterDigest, minDifficulty, trustedKeys } = this.#options;
    const key = remembered(this.#keys, seal.publicKey, () => new VerifyingKey(fromHex(seal.publicKey)));
    return inOrder([
      { name: "form", verdict: "passed", detail: "The file is a receipt of format lv06/receipt/1." },
      digestCheck("file", fileDigest, result.fileDigest),
      digestCheck("raster", rasterDigest, result.rasterDigest),
      ...resultChecks(receipt, key),
      ...remembered(this.#seals, encodeSeal(seal), () => sealChecks(seal, key, minDifficulty)),
      signerCheck(seal.publicKey, trustedKeys),
      simulationCheck(receipt),
    ]);
  }
}

/**
 * Verifies one receipt.
 *
 * @param text untrusted
 * @throws SealError SEAL_LENGTH or SEAL_DIFFICULTY for the options; never because of the receipt
 */
export function verifyReceipt(text: string | Uint8Array, options: VerifyOptions): Verification {
  return new ReceiptVerifier(options).verify(text);
}
