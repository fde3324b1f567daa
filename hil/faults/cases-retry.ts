/** Damage, noise and delays that asking again overcomes: every digest is right in the end. */
import { sha256, verifyDigests } from "../../host/device/digest.ts";
import { randomBlocks } from "../cases/usb/support/driver.ts";
import { type Case, expectThat, usbCase } from "../rig/case.ts";
import type { FaultKind } from "./kinds.ts";
import { onStage } from "./stage.ts";
import { parseFaults } from "./text.ts";

interface Survived {
  readonly name: string;
  readonly title: string;
  readonly spec: readonly string[];
  /** All begin with `from=ready`. */
  readonly faults: string;
  /** In their place for a device that takes one line at a time; default the same, striking at most once each way. */
  readonly narrow?: string;
}

/** One more, and a line that is sent again is struck each time: then the host rightly gives up. */
const NARROW_STRIKES = "times=1";

const SETTLE_MS = 20_000;
/** Many lines: some go alone, some share one. */
const SIZES = [1, 7, 31, 55, 64, 100, ...new Array<number>(24).fill(64)];

const SURVIVED: readonly Survived[] = [
  {
    name: "flipped-bits",
    title: "Lines with flipped bits are thrown away and asked for again",
    spec: ["SPEC 3.3", "SPEC 4.2"],
    faults: "flip@both times=2",
  },
  {
    name: "lost-bytes",
    title: "Lines that lost bytes are asked for again",
    spec: ["SPEC 3.5", "SPEC 4.2"],
    faults: "drop@both times=2",
  },
  {
    name: "inserted-bytes",
    title: "Lines with bytes too many are asked for again",
    spec: ["SPEC 3.5", "SPEC 4.2"],
    faults: "insert@both times=2",
  },
  {
    name: "swapped-bytes",
    title: "Lines with exchanged bytes are asked for again",
    spec: ["SPEC 3.3", "SPEC 4.2"],
    faults: "swap@both times=2",
  },
  {
    name: "noise-burst",
    title: "A burst of noise costs the lines it hits, and no more",
    spec: ["SPEC 3.5", "SPEC 4.2"],
    faults: "overwrite@both times=2",
  },
  {
    name: "cut-lines",
    title: "A line without its end or its beginning does not spoil the next ones for good",
    spec: ["SPEC 3.5", "SPEC 4.2"],
    faults: "truncate@read times=1; behead@both times=1",
  },
  {
    name: "merged-lines",
    title: "Two lines that became one are both asked for again",
    spec: ["SPEC 3.5", "SPEC 4.2"],
    faults: "merge@both times=1",
    narrow: "merge@write times=1",
  },
  {
    name: "spliced-lines",
    title: "The head of one line with the tail of another is no answer",
    spec: ["SPEC 3.3", "SPEC 4.2"],
    faults: "splice@both times=2 line=4",
  },
  {
    name: "lost-lines",
    title: "Lost requests and lost replies are asked for again",
    spec: ["SPEC 4.2"],
    faults: "lose@both times=2",
  },
  {
    name: "doubled-lines",
    title: "A request or a reply that comes twice counts once",
    spec: ["SPEC 4.2"],
    faults: "duplicate@both",
  },
  {
    name: "old-lines",
    title: "Old requests and replies that come again change nothing",
    spec: ["SPEC 4.2"],
    faults: "replay@both times=6",
  },
  {
    name: "reordered-lines",
    title: "Replies are told by their number, in whatever order they come",
    spec: ["SPEC 4.1"],
    faults: "reorder@both p=0.5",
  },
  {
    name: "log-within",
    title: "Log within a reply costs that reply, and it is asked for again",
    spec: ["SPEC 3.5", "SPEC 4.2"],
    faults: "log@both times=2",
  },
  {
    name: "modem-manager",
    title: "A modem manager's probing is nobody's request",
    spec: ["SPEC 3.5"],
    faults: "at@both times=4",
  },
  {
    name: "boot-text",
    title: "Boot text of a device that has not restarted changes nothing",
    spec: ["SPEC 6"],
    faults: "banner@read times=3",
  },
  {
    name: "every-split",
    title: "Wherever chunks are cut, the lines are the same",
    spec: ["SPEC 3.1"],
    faults: "split@both",
  },
  {
    name: "single-bytes",
    title: "Lines that come byte by byte are read as if whole",
    spec: ["SPEC 3.1"],
    faults: "split@both bytes=1",
  },
  {
    name: "glued-chunks",
    title: "Lines that come together are parted again",
    spec: ["SPEC 3.1"],
    faults: "glue@both ms=10",
  },
  {
    name: "jitter",
    title: "Late replies are answers still",
    spec: ["SPEC 4.2"],
    faults: "latency@both ms=5 jitterMs=60",
  },
  {
    name: "slow-line",
    title: "A line slower than it says is waited for",
    spec: ["SPEC 4.2"],
    faults: "bandwidth@both baud=57600",
  },
  {
    name: "stall",
    title: "A line that stands still for a while loses nothing",
    spec: ["SPEC 4.2"],
    faults: "stall@both times=1 ms=400",
  },
  {
    name: "short-darkness",
    title: "What is lost within a moment is asked for again",
    spec: ["SPEC 4.2"],
    faults: "blackhole@both times=1 ms=200",
  },
  {
    name: "garbled-moment",
    title: "Chunks at another rate are noise, and are asked for again",
    spec: ["SPEC 5.9", "SPEC 4.2"],
    faults: "garble@both times=1",
    narrow: "garble@read times=1",
  },
];

export const RETRY_CASES: readonly Case<"usb">[] = SURVIVED.map(({ name, title, spec, faults, narrow }) =>
  usbCase({
    ...{ id: `usb/faults/${name}`, title, spec, level: "MUST", needs: [], can: ["faults"] },
    run: (bench) =>
      onStage(bench, withNarrow(faults, narrow), async (stage) => {
        const device = await stage.open();
        const blocks = randomBlocks(bench, SIZES);
        stage.ready(device.hello.credits.lines === 1 ? "narrow" : "ready");
        const { mismatches } = await bench.settle(verifyDigests(device, blocks, blocks.map(sha256)), SETTLE_MS);
        expectThat(mismatches.length === 0, `wrong digests of blocks ${mismatches.join(", ")} were taken`);
        for (const kind of kindsOf(faults))
          expectThat(stage.fired(kind) > 0, `${kind} never struck: nothing was tried`);
        await device.close();
      }),
  }),
);

/** The handshake goes unharmed: its answer decides which of the two plans begins. */
function withNarrow(faults: string, narrow = faults.replaceAll(/times=\d+/g, NARROW_STRIKES)): string {
  return `${from("ready", faults)}; ${from("narrow", narrow)}`;
}

function from(mark: string, faults: string): string {
  return faults
    .split(";")
    .map((fault) => `${fault.trim()} from=${mark}`)
    .join("; ");
}

function kindsOf(faults: string): ReadonlySet<FaultKind> {
  return new Set(parseFaults(faults).faults.map(({ kind }) => kind));
}
