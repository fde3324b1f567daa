/** Defects of a device, put on the line to a sound one: each is what at least one case is for. */
import { crc32 } from "node:zlib";
import { LineDecoder } from "../../../../host/device/link/decoder.ts";
import { encodeFrame, type Frame } from "../../../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../../../host/device/session/hello.ts";
import type { Transport } from "../../../../host/device/transport.ts";

export interface Defect {
  readonly name: string;
  /** Cases that must fail on a device with it. */
  readonly fails: readonly string[];
  wrap(line: Transport): Transport;
}

/** Changes replies, knowing what was asked. */
function replies(change: (reply: Frame, request: Frame) => Frame): (line: Transport) => Transport {
  return (inner) => {
    const asked = new Map<number, Frame>();
    const [toDevice, toHost] = [new LineDecoder(MAX_LINE_BYTES), new LineDecoder(MAX_LINE_BYTES)];
    return {
      ...bare(inner),
      write: (bytes) => {
        for (const event of toDevice.push(bytes)) if (event.kind === "frame") asked.set(event.frame.seq, event.frame);
        return inner.write(bytes);
      },
      onChunk: (listener) =>
        inner.onChunk((chunk) => {
          const lines = toHost.push(chunk).flatMap((event) => {
            if (event.kind !== "frame") return [];
            const request = asked.get(event.frame.seq);
            return [encodeFrame(request === undefined ? event.frame : change(event.frame, request))];
          });
          if (lines.length > 0) listener(Buffer.concat(lines));
        }),
    };
  };
}

/** Changes what is written, whole writes at a time. */
function writes(change: (bytes: Buffer) => Buffer): (line: Transport) => Transport {
  return (inner) => ({ ...bare(inner), write: (bytes) => inner.write(change(Buffer.from(bytes))) });
}

function bare(inner: Transport): Transport {
  const { setRate } = inner;
  return {
    name: inner.name,
    write: (bytes) => inner.write(bytes),
    onChunk: (listener) => inner.onChunk(listener),
    onClose: (listener) => inner.onClose(listener),
    close: () => inner.close(),
    ...(setRate === undefined ? {} : { setRate: (baud: number) => setRate.call(inner, baud) }),
  };
}

/** Changes the values of `key=value` words in answers to one command. */
function pairs(verb: string, change: (key: string, value: string) => string) {
  return replies((reply, request) => {
    if (request.verb !== verb || reply.verb !== "OK") return reply;
    const args = reply.args.map((word) => {
      const at = word.indexOf("=");
      return at < 0 ? word : `${word.slice(0, at)}=${change(word.slice(0, at), word.slice(at + 1))}`;
    });
    return { ...reply, args };
  });
}

/** Changes the first word of answers to one command. */
function word(verb: string, change: (value: string, request: Frame) => string) {
  return replies((reply, request) => {
    if (request.verb !== verb || reply.verb !== "OK") return reply;
    const [boot = "", first = "", ...rest] = reply.args;
    return { ...reply, args: [boot, change(first, request), ...rest] };
  });
}

function reversedHex(hex: string): string {
  return Buffer.from(hex, "hex").reverse().toString("hex");
}

/** As a device does that does not look at the CRC: whatever stands there is made right. */
function resigned(bytes: Buffer): Buffer {
  const lines = bytes.toString("latin1").split("\n");
  const signed = lines.map((line) => {
    if (!line.startsWith("~") || line.length < 16) return line;
    const body = line.slice(0, -8);
    return `${body}${crc32(Buffer.from(body, "latin1")).toString(16).padStart(8, "0")}`;
  });
  return Buffer.from(signed.join("\n"), "latin1");
}

function withoutLastLine(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(10, bytes.length - 2);
  return bytes.length > 1024 && end > 0 ? bytes.subarray(0, end + 1) : bytes;
}

/** The first answer to every ROOTS of a scale is given again. */
function staleRoots(): (line: Transport) => Transport {
  const first = new Map<string, Frame>();
  return replies((reply, request) => {
    if (request.verb !== "IMAGE" || request.args[0] !== "ROOTS" || reply.verb !== "OK") return reply;
    const key = request.args.slice(1).join(" ");
    const kept = first.get(key) ?? reply;
    first.set(key, kept);
    return { ...kept, seq: reply.seq };
  });
}

export const DEFECTS: readonly Defect[] = [
  {
    name: "digests with their bytes the other way round",
    fails: ["usb/hash/known-answers", "usb/hash/boundaries", "usb/hash/one-by-one"],
    wrap: word("HASH", reversedHex),
  },
  {
    name: "a hash that forgets a zero byte at the end",
    fails: ["usb/hash/known-answers"],
    wrap: word("HASH", (digest, { args }) => (args[0]?.endsWith("00") ? reversedHex(digest) : digest)),
  },
  {
    name: "a CRC that is not looked at",
    fails: ["usb/line/one-bit-flipped", "usb/line/bad-crc"],
    wrap: writes(resigned),
  },
  { name: "the last line of a batch dropped", fails: ["usb/request/whole-window"], wrap: writes(withoutLastLine) },
  {
    name: "an earlier handshake's nonce",
    fails: ["usb/hello/nonce"],
    wrap: pairs("HELLO", (key, value) => (key === "nonce" ? "0a0b0c0d" : value)),
  },
  {
    name: "a model that does not say so",
    fails: ["usb/hello/model-says-so"],
    wrap: replies((reply) => ({ ...reply, args: reply.args.filter((each) => each !== "simulated=1") })),
  },
  {
    name: "temperatures in thousandths of a degree",
    fails: ["usb/health/units"],
    wrap: pairs("HEALTH", (key, value) => (key === "tempC" ? String(Math.round(Number(value) * 1000)) : value)),
  },
  {
    name: "power in mW",
    fails: ["usb/health/units", "usb/health/consistent"],
    wrap: pairs("HEALTH", (key, value) => (key === "powerW" ? String(Math.round(Number(value) * 1000)) : value)),
  },
  {
    name: "input voltage in V",
    fails: ["usb/health/units"],
    wrap: pairs("HEALTH", (key, value) => (key === "inputMv" ? "5" : value)),
  },
  {
    name: "uptime in ms",
    fails: ["usb/health/uptime"],
    wrap: pairs("HEALTH", (key, value) => (key === "uptimeS" ? String(1000 * Number(value)) : value)),
  },
  {
    name: "0 for a value that is not known",
    fails: ["usb/health/absent-not-zero"],
    wrap: pairs("HEALTH", (key, value) => (key === "tempC" ? "0" : value)),
  },
  {
    name: "a MAC that leaves out the challenge",
    fails: ["usb/attest/fresh", "usb/attest/right"],
    wrap: word("ATTEST", (_, { args }) => (args[0] ?? "").padEnd(64, "0").slice(0, 64)),
  },
  {
    name: "one key for every context",
    fails: ["usb/key/same-over-a-restart", "usb/key/right"],
    wrap: word("KEY", () => "ab".repeat(32)),
  },
  { name: "roots of the rows before", fails: ["usb/image/rows-again"], wrap: staleRoots() },
  {
    name: "the highest missing row named",
    fails: ["usb/image/missing"],
    wrap: replies((reply, { verb }) =>
      verb === "IMAGE" && reply.args[1] === "MISSING"
        ? { ...reply, args: [reply.args[0] ?? "", "MISSING", "15"] }
        : reply,
    ),
  },
  {
    name: "refusals without a reason",
    fails: ["usb/hash/no-hex", "usb/batch/refused", "usb/image/limits"],
    wrap: replies((reply) => (reply.verb === "ERR" ? { ...reply, args: [reply.args[0] ?? "", "DEVICE"] } : reply)),
  },
  {
    name: "a search stopped that goes on",
    fails: ["usb/work/stopped"],
    wrap: replies((reply, { verb }) =>
      verb === "WORK" ? { ...reply, args: reply.args.map((each) => (each === "stopped" ? "running" : each)) } : reply,
    ),
  },
];
