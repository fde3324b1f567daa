/**
 * A campaign of well-formed nonsense, seeded: right checksums and numbers around words and payloads that a faulty or
 * hostile device makes up. Everything above the link has to bear it: each call ends, in an answer of the right shape or
 * in a DeviceError, and a search is believed only with a nonce that meets its target.
 */
import { sha256d } from "../../work/header.ts";
import { meetsTarget } from "../../work/target.ts";
import type { WorkOutcome } from "../device.ts";
import { DeviceError } from "../errors.ts";
import type { Frame } from "../link/frame.ts";
import { UsbDevice } from "../usb/usb-device.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryDevice } from "./memory-device.ts";
import { Seeded } from "./seeded.ts";

export interface LiarReport {
  readonly calls: number;
  readonly lies: number;
  readonly answered: number;
  /** Calls that ended in a DeviceError, by its code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Calls that ended in anything else, or never: must be empty. */
  readonly findings: readonly string[];
}

/** Beyond the longest deadline of any call, in ms. */
const PATIENCE_MS = 600_000;
const CALLS_A_DEVICE = 12;
const WORDS = ["", "0", "1", "-1", "4294967296", "999999999999", "running", "found", "nonce=", "=", "ffffffff", "é~:"];
const TARGET = Buffer.alloc(32, 0xff).fill(0, 0, 1);
const HEADER = Buffer.alloc(80, 7);

export async function runLiars({
  seed,
  calls,
}: {
  readonly seed: number;
  readonly calls: number;
}): Promise<LiarReport> {
  const random = new Seeded(seed);
  const report = { calls: 0, lies: 0, answered: 0, errors: {} as Record<string, number>, findings: [] as string[] };
  while (report.calls < calls) await playDevice(random, report);
  return report;
}

type Totals = { -readonly [Key in keyof LiarReport]: LiarReport[Key] } & {
  errors: Record<string, number>;
  findings: string[];
};

async function playDevice(random: Seeded, report: Totals): Promise<void> {
  const clock = new FakeClock();
  const share = random.pick([0.02, 0.2, 1]);
  let misshapen = false;
  const line = new MemoryDevice((request, honest) => {
    if (request.verb === "HELLO" || random.next() > share) return [honest(request)];
    report.lies += 1;
    const told = lie(random, honest(request));
    misshapen ||= told.length === 1 && told.some((reply) => isMisshapen(request, reply));
    return told;
  });
  const nonce = random.bytes(4).toString("hex");
  const found = ["found", "elapsedMs=5", "hashes=9", "errors=0", `nonce=${nonce}`, "version=07070707"];
  line.search = random.pick([found, ["running", "elapsedMs=0", "hashes=0"], ["expired", "elapsedMs=9", "hashes=7"]]);
  const opening = UsbDevice.open(line, { clock, random: random.next });
  await clock.advance(400);
  const device = await opening;
  let gone = false;
  device.onGone(() => {
    gone = true;
  });
  for (let i = 0; i < CALLS_A_DEVICE && !gone; i++) {
    report.calls += 1;
    const [name, call] = random.pick(CALLS);
    misshapen = false;
    const shaped = async () => {
      const complaint = await call(device, random);
      return misshapen ? "a reply of another shape than its command's was believed" : complaint;
    };
    await judge(name, clock, shaped(), report);
  }
  await device.close();
}

async function judge(name: string, clock: FakeClock, call: Promise<string | undefined>, report: Totals): Promise<void> {
  let end: string | undefined = `${name} never ended`;
  call.then(
    (complaint) => {
      end = complaint === undefined ? undefined : `${name}: ${complaint}`;
      report.answered += 1;
    },
    (error: unknown) => {
      end = error instanceof DeviceError ? undefined : `${name} threw ${String(error)}`;
      if (error instanceof DeviceError) report.errors[error.code] = (report.errors[error.code] ?? 0) + 1;
    },
  );
  await clock.advance(PATIENCE_MS);
  if (end !== undefined) report.findings.push(end);
}

/** Whether an answer has words or a payload that its command does not describe (SPEC §5). */
function isMisshapen({ seq, verb, args }: Frame, reply: Frame): boolean {
  if (reply.verb !== "OK" || reply.seq !== seq) return false;
  const bare = ["PING", "LOG", "BATCH"].includes(verb) || ["NEW", "ROWS", "DIGESTS"].includes(args[0] ?? "");
  const payload = verb === "BATCH" || args[0] === "DIGESTS";
  return (bare && reply.args.length !== 1) || (reply.payload !== undefined) !== payload;
}

/** Calls, and what is wrong with the shape of their answers. */
const CALLS: readonly (readonly [string, (device: UsbDevice, random: Seeded) => Promise<string | undefined>])[] = [
  ["hash", async (device, random) => lengths(await device.hash(blocks(random)), 32)],
  ["image", async (device, random) => imageOf(device, random)],
  [
    "work",
    async (device) =>
      believed(await device.work({ header: HEADER, target: TARGET, versionMask: 0x1fffe000, deadlineMs: 9000 })),
  ],
  ["attest", async (device) => lengths([(await device.attest(Buffer.alloc(32), Buffer.alloc(32))).mac], 32)],
  ["key", async (device) => lengths([await device.key(Buffer.alloc(32))], 32)],
  ["ping", (device) => device.ping().then(() => undefined)],
  ["log", (device) => device.log(2).then(() => undefined)],
  ["health", async (device) => numbers(await device.health())],
];

const blocks = (random: Seeded) =>
  Array.from({ length: 1 + random.below(40) }, () => random.bytes(random.pick([1, 16, 64])));

const lengths = (answers: readonly Uint8Array[], bytes: number) =>
  answers.every(({ length }) => length === bytes) ? undefined : "an answer of the wrong length";

async function imageOf(device: UsbDevice, random: Seeded): Promise<string | undefined> {
  const image = { width: 16, height: 16, samples: random.bytes(256) };
  const { roots, digests } = await device.image(image, { scales: [4, 8], digestsOf: [8] });
  if (roots.size !== 2 || digests.get(8)?.length !== 4 * 32) return "roots or digests are missing";
  return lengths([...roots.values()], 32);
}

function believed(outcome: WorkOutcome): string | undefined {
  if (outcome.kind !== "found") return undefined;
  const header = Buffer.from(HEADER);
  header.writeUInt32LE(outcome.version, 0);
  header.writeUInt32LE(outcome.nonce, 76);
  return meetsTarget(sha256d(header), TARGET) ? undefined : "a nonce that does not meet the target was believed";
}

const numbers = (health: object) =>
  Object.values(health).every((value) => typeof value === "string" || Number.isFinite(value))
    ? undefined
    : "a reading that is no number";

/** One or several frames instead of the honest one. */
function lie(random: Seeded, honest: Frame): readonly Frame[] {
  const [boot = "", ...words] = honest.args;
  const spoilt = spoil(random, words);
  switch (random.below(9)) {
    case 0:
      return [{ ...honest, args: [boot] }];
    case 1:
      return [honest, { ...honest, args: [boot, ...spoilt] }];
    case 2:
      return [
        { ...honest, verb: "ERR", args: [boot, random.pick(["STATE", "MISSING", "BUSY", "X", "PAYLOAD"]), ...spoilt] },
      ];
    case 3:
      return [{ ...honest, seq: random.below(0x10000), args: [boot, ...spoilt] }];
    case 4:
      return [{ seq: 0, verb: random.pick(["NAK", "WORK", "BOOT"]), args: [boot, ...spoilt] }, honest];
    case 5:
      return [{ ...honest, payload: random.bytes(1 + random.below(200)) }];
    case 6:
      return random.next() < 0.1 ? [{ ...honest, args: ["ffffffff", ...words] }] : [];
    default:
      return [{ ...honest, args: [boot, ...spoilt] }];
  }
}

function spoil(random: Seeded, words: readonly string[]): string[] {
  const spoilt = [...words];
  const at = random.below(spoilt.length + 1);
  const word = spoilt[at] ?? "";
  const flipped = word.replace(/[0-9a-f]$/, (digit) => (15 - Number.parseInt(digit, 16)).toString(16));
  const nonsense = random.pick(WORDS).replace(/[^\x21-\x7e]/g, "");
  const instead = random.pick([flipped, `${word.split("=")[0]}=${nonsense}`, nonsense, word.slice(1), `${word}0`]);
  spoilt.splice(at, random.below(2), ...(instead === "" || instead.startsWith(":") ? [] : [instead]));
  return spoilt;
}
