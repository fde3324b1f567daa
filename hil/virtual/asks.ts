/** What the appliance asks of a device, and this tier's own judgement of every answer. */
import { createHash, createHmac } from "node:crypto";
import type { DeviceImage, WorkJob, WorkOutcome } from "../../host/device/device.ts";
import { type ImageCheck, sha256, type verifyDigests, type verifyImage } from "../../host/device/digest.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { type OwnRoot, ownRoot } from "./own-roots.ts";
import type { Action } from "./steps.ts";

/** The host's driver, as far as anybody sees it. */
export type Driver = Pick<UsbDevice, keyof UsbDevice>;

/** What the appliance learns from a call: all was right, or the device lied, as the host itself found. */
export type Verdict = { readonly kind: "right" | "lied" } | { readonly kind: "wrong"; readonly what: string };

export interface Ask {
  readonly what: string;
  /** In which it must have settled. */
  readonly mostMs: number;
  readonly run: (device: Driver) => Promise<Verdict>;
}

/** The host's comparison of answers with what it expects: what this tier holds it to. */
export interface Comparison {
  readonly verifyDigests: typeof verifyDigests;
  readonly verifyImage: typeof verifyImage;
}

/** What is known of the device besides what it says. */
export interface Known {
  /** Of the model: the key follows from it. */
  readonly deviceSeed: number;
  /** Whether the device may lie: then its key is worth nothing either. */
  readonly lies: boolean;
  /** Calls `fn` so much later. */
  readonly after: (ms: number, fn: () => void) => void;
  readonly host: Comparison;
}

const RIGHT: Verdict = { kind: "right" };
const wrong = (what: string): Verdict => ({ kind: "wrong", what });
const SCALES = [4, 8];
const DIGEST_BYTES = 32;
const VERSION_MASK = 0x1fff_e000;
const RESET_MS = 2000;
const ABORT_DEADLINE_MS = 8000;
/** START, the search, the device's lateness, one STATUS, and STOP, each with its deadline. */
const WORK_SPARE_MS = 33_000;
/** Images, and levels of the log, wait for their turn: each deadline begins with it. */
const QUEUED_MS = 120_000;
/** What is unanswered ends, BAUD is answered, both rates are tried. */
const RATE_MS = 60_000;

/** The calls that an action makes; undefined for what befalls the device or its cable. */
export function askOf(action: Action, seed: number, known: Known): Ask | undefined {
  const random = new Seeded(seed);
  switch (action.kind) {
    case "hash":
      return hashAsk(random, action, known);
    case "image":
      return imageAsk(random, action, known);
    case "work":
      return workAsk(random, action, known);
    case "attest":
      return attestAsk(random, action.deadlineMs, known);
    case "health":
      return {
        what: "HEALTH",
        mostMs: action.deadlineMs,
        run: async (device) => {
          const readings = Object.values(await device.health({ deadlineMs: action.deadlineMs }));
          const fine = readings.every((value) => typeof value === "string" || Number.isFinite(value));
          return fine ? RIGHT : wrong("a reading that is no number");
        },
      };
    case "ping":
      return plain("PING", action.deadlineMs, (device) => device.ping({ deadlineMs: action.deadlineMs }));
    case "log":
      return plain("LOG", QUEUED_MS, (device) => device.log(action.level, { deadlineMs: action.deadlineMs }));
    case "rate":
      return plain("BAUD", RATE_MS, (device) => device.setRate(action.baud));
    case "reset":
      return plain("RESET", RESET_MS, (device) => device.reset({ deadlineMs: RESET_MS }));
    case "abort":
      return abortAsk(random, action.afterMs, known);
    default:
      return undefined;
  }
}

function plain(what: string, mostMs: number, run: (device: Driver) => Promise<unknown>): Ask {
  return { what, mostMs, run: async (device) => run(device).then(() => RIGHT) };
}

export function hashAsk(
  random: Seeded,
  {
    blocks: count,
    blockBytes,
    deadlineMs,
  }: { readonly blocks: number; readonly blockBytes: number; readonly deadlineMs: number },
  { host }: Pick<Known, "host">,
): Ask {
  const blocks = Array.from({ length: count }, () => random.bytes(blockBytes));
  const run = async (device: Driver) => {
    const { mismatches, digests } = await host.verifyDigests(device, blocks, blocks.map(sha256), { deadlineMs });
    const truly = blocks.flatMap((block, i) => (isDigestOf(block, digests[i]) ? [] : [i]));
    if (truly.join() !== mismatches.join())
      return wrong(`the host found [${mismatches}] wrong, and wrong are [${truly}]`);
    return judged(mismatches.length);
  };
  return { what: "HASH", mostMs: deadlineMs, run };
}

/** Not through the host's own digest code. */
function isDigestOf(block: Uint8Array, digest: Uint8Array | undefined): boolean {
  return digest !== undefined && createHash("sha256").update(block).digest().equals(digest);
}

function imageAsk(
  random: Seeded,
  { side, raw, digests, deadlineMs }: Extract<Action, { kind: "image" }>,
  { host }: Known,
): Ask {
  const image: DeviceImage = { width: side, height: side, samples: smooth(random, side) };
  const question = { scales: SCALES, digestsOf: digests ? [8] : [], raw };
  const run = async (device: Driver) => {
    const own = new Map(SCALES.map((scale) => [scale, ownRoot(image, scale)]));
    const check = await host.verifyImage(device, image, question, own, { deadlineMs });
    const found = wordsOf(check.mismatches, check.wrongDigests);
    const truly = wordsOf(...mistakesIn(check.answer, own, question.digestsOf));
    if (found !== truly) return wrong(`the host found ${found}, and in truth it is ${truly}`);
    return judged(check.mismatches.length + [...check.wrongDigests.values()].reduce((sum, count) => sum + count, 0));
  };
  return { what: "IMAGE", mostMs: QUEUED_MS, run };
}

/** Scales whose roots are wrong, and how many digests of which scale are. */
function mistakesIn(
  { roots, digests }: ImageCheck["answer"],
  own: ReadonlyMap<number, OwnRoot>,
  digestsOf: readonly number[],
): [number[], Map<number, number>] {
  const wrongRoots = [...own].filter(([scale, { root }]) => !root.equals(roots.get(scale) ?? new Uint8Array()));
  const counts = digestsOf.map((scale): [number, number] => {
    const [mine, theirs] = [own.get(scale)?.digests ?? Buffer.alloc(0), Buffer.from(digests.get(scale) ?? [])];
    const firsts = Array.from({ length: mine.length / DIGEST_BYTES }, (_, i) => i * DIGEST_BYTES);
    const differs = (at: number) =>
      mine.compare(theirs.subarray(at, at + DIGEST_BYTES), 0, DIGEST_BYTES, at, at + DIGEST_BYTES) !== 0;
    return [scale, firsts.filter(differs).length];
  });
  return [wrongRoots.map(([scale]) => scale), new Map(counts)];
}

function wordsOf(wrongRoots: readonly number[], wrongDigests: ReadonlyMap<number, number>): string {
  const digests = [...wrongDigests].map(([scale, count]) => `${count} of scale ${scale}`);
  return `[${wrongRoots}] wrong roots, wrong digests [${digests}]`;
}

/** Something that deflates, and is another image each time. */
function smooth(random: Seeded, side: number): Uint8Array {
  const slope = 1 + random.below(8);
  return Uint8Array.from({ length: side * side }, (_, i) => (i % side) * slope + random.below(4));
}

const judged = (mistakes: number): Verdict => (mistakes === 0 ? RIGHT : { kind: "lied" });

function workAsk(random: Seeded, action: Extract<Action, { kind: "work" }>, { after }: Known): Ask {
  const { bits, deadlineMs, stopMs } = action;
  const header = random.bytes(80);
  const target = Buffer.alloc(32);
  if (bits > 0) target.fill(0xff).writeUInt8(0xff >> bits, 0);
  const job: WorkJob = { header, target, versionMask: VERSION_MASK, deadlineMs };
  const run = async (device: Driver) => {
    const stop = new AbortController();
    if (stopMs !== undefined) after(stopMs, () => stop.abort());
    const outcome = await device.work(job, { signal: stop.signal });
    return isWork(job, outcome) ? RIGHT : wrong("a nonce that does not meet its target was believed");
  };
  return { what: "WORK", mostMs: deadlineMs + WORK_SPARE_MS, run };
}

function isWork({ header, target, versionMask }: WorkJob, outcome: WorkOutcome): boolean {
  if (outcome.kind !== "found") return true;
  const found = Buffer.from(header);
  const changed = found.readUInt32LE(0) ^ outcome.version;
  found.writeUInt32LE(outcome.version, 0);
  found.writeUInt32LE(outcome.nonce, 76);
  const once = createHash("sha256").update(found).digest();
  const hash = createHash("sha256").update(once).digest().reverse();
  return (changed & ~versionMask) === 0 && Buffer.compare(hash, target) <= 0;
}

function attestAsk(random: Seeded, deadlineMs: number, { deviceSeed, lies }: Known): Ask {
  const commitment = random.bytes(32);
  const challenge = random.bytes(32);
  const run = async (device: Driver) => {
    const { mac, bootId } = await device.attest(commitment, challenge, { deadlineMs });
    if (lies || !device.info.id.endsWith(hex8(deviceSeed))) return RIGHT;
    const tag = Buffer.from("lv06/attest/1".padEnd(16, "\0"), "latin1");
    const message = Buffer.concat([tag, commitment, challenge, Buffer.from(bootId, "hex")]);
    const own = createHmac("sha256", keyOf(deviceSeed)).update(message).digest();
    return own.equals(mac) ? RIGHT : wrong("an attestation that the key did not make was believed");
  };
  return { what: "ATTEST", mostMs: deadlineMs, run };
}

/** The model's key, as firmware-spec/model/board.c derives it. */
function keyOf(seed: number): Buffer {
  return createHash("sha256")
    .update(`lv06-model/key/1`)
    .update(Buffer.from(hex8(seed), "hex"))
    .digest();
}

const hex8 = (number: number) => number.toString(16).padStart(8, "0");

function abortAsk(random: Seeded, afterMs: number, { after }: Known): Ask {
  const blocks = Array.from({ length: 8 }, () => random.bytes(32));
  const run = async (device: Driver) => {
    const stop = new AbortController();
    after(afterMs, () => stop.abort());
    await device.hash(blocks, { signal: stop.signal, deadlineMs: ABORT_DEADLINE_MS });
    return RIGHT;
  };
  return { what: "HASH, given up", mostMs: afterMs, run };
}
