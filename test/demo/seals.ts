/** The seals as anybody outside sees them: every result's receipt, asked for over MQTT and verified offline. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Canonical, canonicalBytes } from "../../host/seal/canonical.ts";
import { ReceiptVerifier } from "../../host/seal/verify.ts";
import type { OutsideClient, Received } from "./outside-client.ts";

export interface ResultSeal {
  /** Of the seal, counted from 1. */
  readonly number: number;
  /** From the result's arrival to the seal's. */
  readonly afterMs: number;
  readonly complaints: readonly string[];
}

const LV06 = resolve(import.meta.dirname, "../../lv06");
const VALID_SIMULATED = 4;
const SEAL_DEADLINE_MS = 60_000;
const REPLY_DEADLINE_MS = 10_000;

/** Result id → its seal. Leaves `receipt.json`, of the first result, and `keys.txt` in the folder. */
export async function fetchSeals(client: OutsideClient, folder: string): Promise<ReadonlyMap<string, ResultSeal>> {
  const results = client.of("result");
  const sealed = () => client.of("seal").reduce((sum, { data }) => sum + Number(data.size), 0);
  await client.until("seals of all results", SEAL_DEADLINE_MS, () => sealed() >= results.length);
  const publicKey = String(client.of("info").at(-1)?.data.publicKey);
  const verifier = new ReceiptVerifier({ trustedKeys: new Map([[publicKey, "demo"]]) });
  writeFileSync(join(folder, "keys.txt"), `${publicKey} demo\n`);
  const seals = new Map<string, ResultSeal>();
  for (const result of results) {
    const resultId = String(result.data.resultId);
    const { receipt, message } = await client.ask("receipt", { resultId }, REPLY_DEADLINE_MS);
    if (receipt === null) throw new Error(`no receipt of ${resultId}: ${message}`);
    const bytes = canonicalBytes(receipt as Canonical);
    if (seals.size === 0) writeFileSync(join(folder, "receipt.json"), bytes);
    seals.set(resultId, sealOf(client, result, receipt as object, verifier.verify(bytes)));
  }
  return seals;
}

function sealOf(
  { received }: OutsideClient,
  result: Received,
  receipt: { readonly seal?: { readonly sealedValue: string } },
  { exitCode, checks }: ReturnType<ReceiptVerifier["verify"]>,
): ResultSeal {
  const file = String(result.data.reference);
  const messages = received.filter(({ kind }) => kind === "seal");
  const index = messages.findIndex(({ data }) => data.sealedValue === receipt.seal?.sealedValue);
  const seal = messages[index];
  const failed = checks.filter(({ verdict }) => verdict === "failed").map(({ name }) => name);
  const complaints = [
    ...(seal === undefined ? [`${file}: its receipt names a seal that never came`] : []),
    ...(seal !== undefined && received.indexOf(seal) < received.indexOf(result)
      ? [`${file}: the seal came before it`]
      : []),
    ...(exitCode === VALID_SIMULATED ? [] : [`${file}: its receipt has exit code ${exitCode}, failed: ${failed}`]),
  ];
  return { number: index + 1, afterMs: (seal?.atMs ?? Number.NaN) - result.atMs, complaints };
}

/** What a person can do with it: the ledger held to the head that the client has seen, and one receipt, by command. */
export function checkByCommand(client: OutsideClient, folder: string, say: (line: string) => void): readonly string[] {
  const head = String(client.of("seal").at(-1)?.data.sealedValue);
  const complaints = [
    run(["ledger", "check", "--anchor", head, "--config", join(folder, "lv06.yaml")], 0, say),
    run(["verify", join(folder, "receipt.json"), "--trust", join(folder, "keys.txt")], VALID_SIMULATED, say),
  ];
  return complaints.flat();
}

/** Shows the last line that it says. */
function run(args: readonly string[], expected: number, say: (line: string) => void): string[] {
  const { status, stdout, stderr } = spawnSync(LV06, args, { encoding: "utf8", timeout: REPLY_DEADLINE_MS });
  const command = `lv06 ${args.slice(0, 2).join(" ")}`;
  if (status !== expected) return [`${command} ended with ${status}: ${stdout}${stderr}`];
  say(`./lv06 ${args.join(" ")}\n  ${stdout.trimEnd().split("\n").at(-1)} (exit code ${status})`);
  return [];
}
