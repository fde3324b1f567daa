import type { Command } from "commander";
import type { WorkOutcome, WorkProgress } from "../../device/device.ts";
import { sha256 } from "../../device/digest.ts";
import { encodeProof, verifyProof } from "../../work/proof.ts";
import { LEAST_DIFFICULTY, MOST_DIFFICULTY, targetOfDifficulty } from "../../work/target.ts";
import { proofOfFound, type WorkTemplate, workTemplate } from "../../work/template.ts";
import { action } from "../context.ts";
import { UsageError } from "../error.ts";
import { EXIT, type ExitCode, examples } from "../output.ts";
import { withBar } from "../progress.ts";
import { type Opened, onPort, type PortOptions, withDevice } from "./open.ts";
import { fromDifficulty, fromHex, fromNumber } from "./parse.ts";
import { fields, simulatedMark } from "./print.ts";

interface Options extends PortOptions {
  readonly commitment?: string;
  readonly text?: string;
  readonly difficulty: string;
  readonly deadline: string;
}

interface Job {
  readonly commitment: Uint8Array;
  readonly difficulty: number;
  readonly target: Buffer;
  readonly template: WorkTemplate;
  readonly deadlineMs: number;
}

const DEADLINE_MAX_S = 3600;

export function registerWork(device: Command): void {
  onPort(device.command("work"))
    .summary("have the device search a work proof over 32 bytes, and verify it")
    .description(
      "Has the ASIC search a nonce for a block header that contains a commitment, and verifies what it finds.\n" +
        "A proof shows that about difficulty × 2^32 hashes were spent after the commitment was fixed, by someone.",
    )
    .option("--commitment <hex>", "32 bytes as 64 hexadecimal digits")
    .option("--text <text>", "commit to the SHA-256 of this text instead")
    .option("--difficulty <number>", "such as 256; a model device also finds fractions, such as 2^-20", "2^-20")
    .option("--deadline <seconds>", `how long to search, 1 to ${DEADLINE_MAX_S}`, "60")
    .addHelpText(
      "after",
      `${examples(
        "lv06 device work --text hello",
        "lv06 device work --commitment HEX --difficulty 256 --json",
      )}\n\nExit codes: 0 valid · 1 nothing found or not valid · 4 valid but simulated`,
    )
    .action(
      action(async (context, options: Options) => {
        const job = jobOf(options);
        return withDevice(context, options, async (opened) => {
          const outcome = await search(opened, job);
          const { document, verdict, exit } = judge(opened, job, outcome);
          context.output.answer(document, () => [...fields(flat(document)), "", verdict]);
          return exit;
        });
      }),
    );
}

/** @throws UsageError */
function jobOf({ commitment, text, difficulty, deadline }: Options): Job {
  if ((commitment === undefined) === (text === undefined)) {
    throw new UsageError("USAGE_OPTION", "give one of --commitment and --text");
  }
  const bytes = commitment === undefined ? sha256(Buffer.from(text ?? "")) : fromHex("--commitment", commitment, 32);
  const wanted = fromDifficulty("--difficulty", difficulty, LEAST_DIFFICULTY, MOST_DIFFICULTY);
  return {
    commitment: bytes,
    difficulty: wanted,
    target: targetOfDifficulty(wanted),
    template: workTemplate({ commitment: bytes, ntime: Math.floor(Date.now() / 1000) }),
    deadlineMs: 1000 * fromNumber("--deadline", deadline, 1, DEADLINE_MAX_S),
  };
}

/** The bar shows time, not progress: every moment is as likely to bring a find as any other. */
function search({ device, signal }: Opened, { template, target, deadlineMs }: Job): Promise<WorkOutcome> {
  const { header, versionMask } = template;
  return withBar(deadlineMs / 1000, "{bar} {value} of {total} s", (bar) =>
    device.work(
      { header, target, versionMask, deadlineMs },
      { signal, onProgress: ({ elapsedMs }) => bar.update(Math.round(elapsedMs / 1000)) },
    ),
  );
}

function judge({ device, wire }: Opened, job: Job, outcome: WorkOutcome) {
  const { id, simulated } = device.info;
  const about = {
    id,
    simulated,
    commitment: Buffer.from(job.commitment).toString("hex"),
    difficulty: job.difficulty,
    state: outcome.kind,
    ...figures(outcome),
    wireBytes: wire.sentBytes + wire.receivedBytes,
  };
  if (outcome.kind !== "found") {
    const document = { ...about, valid: false, proof: null };
    return { document, verdict: `nothing found: ${outcome.kind}${simulatedMark(simulated)}`, exit: EXIT.failed };
  }
  const proof = proofOfFound(job.template, outcome);
  const seen = verifyProof(proof, job.commitment, job.target);
  const document = {
    ...about,
    valid: seen.ok,
    found: seen.ok ? { hash: Buffer.from(seen.hash).reverse().toString("hex"), difficulty: seen.difficulty } : null,
    mac: outcome.mac === undefined ? null : Buffer.from(outcome.mac).toString("hex"),
    proof: encodeProof(proof),
  };
  const verdict = seen.ok
    ? `valid: about ${expectedHashes(job.difficulty)} hashes were spent after the commitment was fixed`
    : `NOT valid: ${seen.detail}`;
  const exit: ExitCode = seen.ok ? (simulated ? EXIT.simulated : EXIT.done) : EXIT.failed;
  return { document, verdict: verdict + simulatedMark(simulated), exit };
}

/** JSON has no numbers as large as the device's count of hashes may be. */
function figures({ elapsedMs, hashes, errors }: WorkProgress) {
  return { elapsedMs, hashes: hashes.toString(), errors };
}

function expectedHashes(difficulty: number): string {
  return (difficulty * 2 ** 32).toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** Proof and find as lines of their own. */
function flat({ proof, found, ...rest }: Record<string, unknown>): object {
  const inner = (value: unknown) => (typeof value === "object" && value !== null ? value : {});
  const { difficulty: foundDifficulty, ...hash } = inner(found) as { difficulty?: number };
  return { ...rest, ...hash, foundDifficulty, ...inner(proof) };
}
