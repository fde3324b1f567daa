/** A run that has everything a report can show, made from one seed: for looking at the page, and for tests. */
import { encodeFrame } from "../../../host/device/link/frame.ts";
import { Seeded } from "../../../host/device/testing/seeded.ts";
import type { Level } from "../../rig/case.ts";
import type { Attempt, CaseResult, Passed, RunReport, TargetInfo, Verdict } from "../../rig/report.ts";

const USB_CASES: readonly (readonly [string, string, Level, string])[] = [
  ["usb/line/reset-keeps-quiet", "A device that was asked nothing says nothing but its boot", "SHOULD", "SPEC 2"],
  ["usb/line/raw", "All 256 byte values pass unchanged", "MUST", "SPEC 2"],
  ["usb/lines/too-long", "A line that is too long is dropped up to its end, and the next is read", "MUST", "SPEC 3.1"],
  ["usb/frames/damage", "A frame with one wrong bit is never answered as if it were whole", "MUST", "SPEC 3.2"],
  ["usb/frames/crc", "A frame with a wrong checksum is discarded as crc", "MUST", "SPEC 3.3"],
  ["usb/payload/zeroes", "Payloads of zeroes, line feeds and full groups arrive as they were sent", "MUST", "SPEC 3.4"],
  ["usb/requests/credits", "No more requests are unanswered than the device has lines for", "MUST", "SPEC 4.1"],
  ["usb/requests/repeat", "A request that is sent twice is answered alike", "MUST", "SPEC 4.2"],
  ["usb/hello/identity", "HELLO names protocol, device and limits", "MUST", "SPEC 5.1"],
  ["usb/hash/boundaries", "SHA-256 holds at 0, 55, 56, 63, 64, 119 and 120 bytes", "MUST", "SPEC 5.3"],
  ["usb/hash/batch", "A batch of digests comes back whole and in order", "MUST", "SPEC 5.4"],
  ["usb/image/roots", "The roots of an image are those that the host computes", "MUST", "SPEC 5.8"],
  ["usb/health/units", "Health is in the units that it names", "SHOULD", "SPEC 5.5"],
  ["usb/work/genesis", "A search over the genesis header finds its nonce", "MUST", "SPEC 5.6"],
  ["usb/attest/challenge", "An attestation binds commitment and challenge", "MAY", "SPEC 5.7"],
  ["usb/recovery/restart", "After a restart every open request fails, and HELLO begins anew", "MUST", "SPEC 6"],
];

const STRATUM_CASES: readonly (readonly [string, string, Level, string])[] = [
  ["stratum/subscribe/first", "A miner that subscribes gets its extranonce and a job", "MUST", "DESIGN 6"],
  ["stratum/shares/accepted", "A share that meets its target is accepted", "MUST", "DESIGN 6"],
  ["stratum/shares/real", "The twenty shares of a real device are accepted", "MUST", "DESIGN 6"],
  ["stratum/shares/stale", "A share of a job that is over is refused as stale", "SHOULD", "DESIGN 6"],
];

const target = (kind: TargetInfo["kind"], transport: TargetInfo["transport"], firmware: string): TargetInfo => ({
  ...{ name: `${kind}-${transport}`, kind, transport },
  identity: {
    id: kind === "real" ? "lv06-a1b2…" : `${kind}-0001`,
    firmware,
    simulated: kind !== "real",
    capabilities: transport === "usb" ? ["hash", "batch", "image", "work", "health"] : ["work"],
  },
});

/** @param hostile text that stands wherever a device or a case can put some */
export function sampleReport({ seed = 5, hostile = "" }: { readonly seed?: number; readonly hostile?: string } = {}) {
  const targets = [
    target("model", "usb", "lv06-model 0.1.0"),
    target("model", "stratum", "fake miner"),
    target("replay", "usb", "lv06-model 0.1.0"),
    target("replay", "stratum", "NerdAxe v2.1.8"),
    target("real", "usb", `lv06-esp 0.1.0${hostile}`),
  ];
  const seeded = new Seeded(seed);
  const results = targets.flatMap((one) => resultsOf(one, seeded, hostile));
  const ends = results.flatMap(({ attempts }) => attempts).map(({ startedMs, durationMs }) => startedMs + durationMs);
  const report: RunReport = {
    version: 1,
    seed,
    startedUtcMs: Date.UTC(2026, 0, 9, 14, 3, 7),
    durationMs: Math.max(...ends) + 20,
    environment: {
      sample: "yes: no device was asked",
      commit: "0123456789ab",
      node: "v24.21.0",
      cpu: "2 × x64",
      os: "Linux 6.18",
    },
    targets,
    absent: [
      {
        ...{ name: "real-stratum", kind: "real", transport: "stratum", code: "RIG_NO_REAL" },
        message: `no miner connected to 0.0.0.0:3333 within 20 s [RIG_NO_REAL]. Pair one with this address.${hostile}`,
      },
    ],
    results,
    problems: [],
  };
  return report;
}

function resultsOf({ name, kind, transport }: TargetInfo, seeded: Seeded, hostile: string): CaseResult[] {
  let atMs = 30 + seeded.below(40);
  return (transport === "usb" ? USB_CASES : STRATUM_CASES).map(([id, title, level, spec]) => {
    const verdict = verdictOf(kind, id);
    const attempts = attemptsOf(verdict, kind, seeded, atMs, hostile);
    const last = attempts.at(-1);
    if (last !== undefined) atMs = last.startedMs + last.durationMs + 3;
    return {
      ...{ id, title, level, spec: [spec], target: name, verdict },
      reason: reasonOf(verdict),
      attempts,
      latencies: /hash|subscribe|accepted/.test(id) && attempts.length > 0 ? latenciesOf(id, kind, seeded) : {},
      notes: id === "stratum/shares/real" && kind === "replay" ? ["real hardware", "framing reconstructed"] : [],
      rerun: `./hil/hil run --target ${name} --case ${id} --seed 5`,
    };
  });
}

function verdictOf(kind: TargetInfo["kind"], id: string): Verdict {
  if (id === "usb/recovery/restart" && kind !== "model") return "not-applicable";
  if (id === "stratum/shares/real" && kind === "model") return "not-applicable";
  if (kind === "replay" && id === "usb/image/roots") return "missing";
  if (kind === "real" && id === "usb/health/units") return "failed";
  if (kind === "real" && id === "usb/hash/batch") return "flaky";
  if (kind === "replay" && id === "usb/requests/credits") return "failed";
  return "passed";
}

function reasonOf(verdict: Verdict): string | null {
  if (verdict === "missing") return "there is no recording of it";
  return verdict === "not-applicable" ? "this target cannot restart a device" : null;
}

function attemptsOf(
  verdict: Verdict,
  kind: TargetInfo["kind"],
  seeded: Seeded,
  fromMs: number,
  hostile: string,
): Attempt[] {
  const speed = { model: 400, replay: 60, real: 900 }[kind];
  const attempt = (failed: boolean, startedMs: number): Attempt => ({
    verdict: failed ? "failed" : "passed",
    code: failed ? "RIG_DEADLINE" : null,
    message: failed ? `chip temperature came as 5120, not between −20 and 150 °C${hostile}` : null,
    startedMs,
    durationMs: speed * (0.2 + seeded.next()),
    last: failed ? linesSaid(seeded, hostile) : [],
  });
  if (verdict === "not-applicable" || verdict === "missing") return [];
  const first = attempt(verdict !== "passed", fromMs);
  if (verdict === "passed") return [first];
  return [first, attempt(verdict === "failed", first.startedMs + first.durationMs + 5)];
}

function latenciesOf(id: string, kind: TargetInfo["kind"], seeded: Seeded): Record<string, number[]> {
  const middleMs = { model: 0.09, replay: 0.055, real: 0.8 }[kind];
  const name = id.startsWith("usb") ? "HASH round trip" : "subscribe to first job";
  const one = () =>
    middleMs * Math.exp(0.35 * (seeded.next() + seeded.next() + seeded.next() - 1.5)) + (seeded.next() < 0.01 ? 4 : 0);
  return { [name]: Array.from({ length: 400 }, one) };
}

function linesSaid(seeded: Seeded, hostile: string): Passed[] {
  const lines: Passed[] = [];
  for (let seq = 1; seq <= 30; seq++) {
    const atUs = seq * 1800 + seeded.below(200);
    const asked = encodeFrame({ seq, verb: seq % 5 === 0 ? "HEALTH" : "HASH", args: [], payload: seeded.bytes(24) });
    const answer = encodeFrame({ seq, verb: "OK", args: ["0badc0de", seeded.bytes(32).toString("hex")] });
    if (seq === 29) answer.set([0x00], 20);
    lines.push({ atUs, direction: "write", bytes: asked });
    lines.push({ atUs: atUs + 400, direction: "read", bytes: answer.subarray(0, 31) });
    lines.push({ atUs: atUs + 460, direction: "read", bytes: answer.subarray(31) });
  }
  lines.push({ atUs: 60_000, direction: "read", bytes: Buffer.from(`I (123) boot: brownout${hostile}\n~0012 OK 0b`) });
  return lines.map(({ bytes, ...line }) => ({ ...line, bytes: Uint8Array.from(bytes) }));
}
