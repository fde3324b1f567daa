/**
 * Which cases hold whom to what SPEC.md demands: every MUST and SHOULD of it, and plain statements that are as good as
 * one. `coverage.test.ts` sees that none is forgotten, here or there.
 */

export interface Demand {
  /** A piece of SPEC.md that stands there once, with white space as one space. */
  readonly says: string;
  /** Ids of cases that fail where it is not kept. */
  readonly cases?: readonly string[];
  /** Why no case can hold anybody to it, and what does. */
  readonly except?: string;
}

export const DEMANDS: readonly Demand[] = [
  {
    says: "MUST, SHOULD and MAY are those of RFC 2119",
    except: "it says what the words mean",
  },
  // 2, 3: the line.
  {
    says: "A terminal driver MUST be in raw mode",
    cases: ["usb/line/all-bytes", "usb/batch/stuffing", "usb/line/empty-lines-and-cr"],
  },
  {
    says: "Asked nothing, it SHOULD be silent but for these.",
    cases: ["usb/line/silence", "usb/hello/log-falls-silent"],
  },
  {
    says: "Until HELLO is answered, neither side may send lines of more than 512 bytes.",
    cases: ["usb/host/hello-repeated", "usb/hello/complete"],
  },
  {
    says: "Every other reply and every notice has at most 512 bytes.",
    cases: ["usb/line/short-answers"],
  },
  {
    says: "A reader MUST drop a line that is longer than it can hold up to its LF, in bounded memory",
    cases: ["usb/line/over-long", "usb/line/hidden-frame", "usb/host/endless-line"],
  },
  { says: "A host SHOULD remove ANSI colour sequences", cases: ["usb/host/colours"] },
  // 4: requests, replies, notices.
  {
    says: "MUST treat every unanswered request as failed and begin again with HELLO.",
    cases: ["usb/host/another-boot", "usb/boot/host-hears-of-it", "usb/faults/restart-mid-batch"],
  },
  { says: "A device SHOULD send the BOOT notice once, at its start", cases: ["usb/boot/notice"] },
  {
    says: "a host MUST NOT have more than `lines` requests unanswered, nor more than `bytes` bytes of them",
    cases: ["usb/request/host-keeps-the-window"],
  },
  {
    says: "A device MUST be able to take in that much while it computes.",
    cases: ["usb/request/whole-window", "usb/request/whole-window-of-bytes"],
  },
  { says: "A device MUST NOT answer frames whose verb is `OK`", cases: ["usb/request/echoes"] },
  {
    says: "So a host sends no WORK START, IMAGE NEW, BAUD or LOG",
    cases: [
      "usb/host/one-log-at-a-time",
      "usb/host/one-image-at-a-time",
      "usb/work/host-stops",
      "usb/baud/host-waits-its-turn",
    ],
  },
  { says: "A second reply to one request is ignored by the host.", cases: ["usb/host/second-answers"] },
  {
    says: "It SHOULD NOT use a number again while a late reply to it may be under way",
    except:
      "a number comes again after 65,535 others only, more than a case may send; `never gives a late reply to a later request` in host/device/session/session.test.ts goes once around",
  },
  {
    says: "A device SHOULD answer within 100 ms",
    cases: ["usb/request/prompt", "usb/image/prompt"],
  },
  { says: "SHOULD send at most ten in a second", cases: ["usb/line/few-naks"] },
  {
    says: "A host treats unknown codes, and an ERR without one, as `DEVICE`.",
    cases: ["usb/host/unknown-refusal"],
  },
  // 5: commands.
  {
    says: "| `hash` | HASH | everything; MUST be there |",
    cases: ["usb/hello/complete", "usb/host/hello-without-hash"],
  },
  { says: "without `hash` a host MUST NOT use the device", cases: ["usb/host/hello-without-hash"] },
  {
    says: "A model MUST say so; a device MUST NOT",
    cases: ["usb/hello/model-says-so", "usb/host/hello-out-of-range"],
  },
  { says: "the device MUST stop its own log when it answers", cases: ["usb/hello/log-falls-silent"] },
  {
    says: "A host that misses a required key, or reads a value outside its range, MUST NOT use the device.",
    cases: ["usb/host/hello-out-of-range"],
  },
  { says: "A host SHOULD send one every 2 to 5 s when idle", cases: ["usb/host/heartbeat"] },
  {
    says: "and MUST change nothing else.",
    cases: ["usb/work/found", "usb/work/version-kept", "usb/work/mac", "usb/host/false-version"],
  },
  {
    says: "| `exhausted` | every nonce and version that the ASIC can reach was tried |",
    cases: ["usb/work/exhausted"],
  },
  {
    says: "When a search ends by itself the device MUST send the notice once",
    cases: ["usb/work/result-stays", "usb/work/exhausted", "usb/work/expires"],
  },
  { says: "while it runs, it SHOULD send one every 2 s.", cases: ["usb/work/tells-how-it-goes"] },
  { says: "the host SHOULD ask STATUS every 2 s or so, and on its deadline.", cases: ["usb/host/asks-status"] },
  {
    says: "hosts, logs, recorders and reports MUST replace it by `redacted`.",
    cases: ["usb/key/shown-nowhere"],
  },
  {
    says: "The host sends BAUD only when nothing else is unanswered.",
    cases: ["usb/baud/host-waits-its-turn"],
  },
  { says: "During this trial it sends nothing but replies", cases: ["usb/baud/only-answers"] },
  {
    says: "has read no good request for 10 s, the time it computes not counted, MUST return to 115,200; so does every restart.",
    cases: ["usb/baud/silence", "usb/baud/restart"],
  },
  { says: "A host at another rate sends something at least every 5 s.", cases: ["usb/baud/host-heartbeat"] },
  {
    says: "A host SHOULD return to 115,200 before it closes the port",
    cases: ["usb/baud/host-climbs"],
  },
  {
    says: "one that finds no answer there SHOULD try the rates it has used before.",
    cases: ["usb/baud/host-finds-it-again"],
  },
  {
    says: "A host climbs to the highest rate both sides know and, when more than 1 line in 100 is damaged, steps down",
    cases: ["usb/baud/host-climbs", "usb/baud/host-steps-down"],
  },
  // 6, 10.
  { says: "then HELLO every 500 ms, the same line each time", cases: ["usb/host/hello-repeated"] },
  {
    says: "a greeting host tells the user what it heard.",
    cases: ["usb/host/hears-boot-text"],
  },
  {
    says: "Every other command gets `ERR … VERB`.",
    cases: ["usb/request/not-announced", "usb/ping/answered", "usb/request/unknown-command"],
  },
];
