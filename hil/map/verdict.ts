/** What sits at a port that does not answer as an LV06, as far as it can be heard. Pure. */
import { bootText } from "../../host/device/link/boot-text.ts";
import { parseLine } from "../../host/device/link/frame.ts";
import { MapError } from "./error.ts";

/** What was heard of a port and said to it. */
export interface Overheard {
  readonly path: string;
  readonly heard: Buffer;
  readonly said: Buffer;
}

const BOOTS_OF_A_LOOP = 3;
const SHOWN_CHARS = 80;
/** Of what is heard, how much is readable where two agree about the rate. */
const READABLE = 0.8;
const NMEA = /^\$(G[APNLBQI]|BD|P)[A-Z]{1,6},/;
/** How ESP-IDF begins a log line; colours, where they are on, come before it. */
const ESP_IDF = /^(.\[[0-9;]*m)?[EWIDV] \(\d+\) [^:]+: /;
const MODEM = /^(OK|ERROR|RING|NO CARRIER|\+CME ERROR.*|\+C[A-Z]+:.*)$/;

/** Undefined where nothing tells: a silent port, or one that speaks at another rate. */
export function portVerdict({ path, heard, said }: Overheard): MapError | undefined {
  const lines = heard
    .toString("latin1")
    .split(/[\r\n]+/)
    .filter((line) => line !== "");
  if (isLooping(lines))
    return new MapError("RIG_RESETS", `${path} started ${countBoots(lines)} times; ${lastOf(lines)}`);
  const other = (what: string, line: string) => new MapError("RIG_NOT_LV06", `${path} ${what}: ${shown(line)}`);
  const echo = lines.find((line) => line.startsWith("~") && line.includes(" HELLO ") && said.includes(line));
  if (echo !== undefined) return other("echoes what it is sent, as a modem or a plug for loop-back tests does", echo);
  const sentence = lines.find((line) => NMEA.test(line));
  if (sentence !== undefined) return other("sends NMEA sentences, as a GPS receiver does", sentence);
  const log = lines.find((line) => ESP_IDF.test(line));
  if (log !== undefined && !lines.some(isFrame))
    return other("prints the log of an ESP-IDF program, such as the LV06's stock firmware", log);
  const answer = lines.find((line) => MODEM.test(line));
  if (answer !== undefined) return other("answers as a modem does", answer);
  if (readableShare(heard) < READABLE || lines.some((line) => bootText(line) !== undefined || isFrame(line))) {
    return undefined;
  }
  const text = lines.find((line) => line.trim().length > 1);
  return text === undefined ? undefined : other("prints text of another program, such as an Arduino's", text);
}

export function countBoots(lines: readonly string[]): number {
  const roms = lines.filter((line) => bootText(line) === "restarting" && line.startsWith("ESP-ROM:")).length;
  const resets = lines.filter((line) => line.includes("rst:0x")).length;
  const notices = new Set(
    lines.flatMap((line) => {
      const event = parseLine(Buffer.from(line, "latin1"));
      return event?.kind === "frame" && event.frame.verb === "BOOT" ? [event.frame.args[0]] : [];
    }),
  ).size;
  return Math.max(roms, resets, notices);
}

function isLooping(lines: readonly string[]): boolean {
  return countBoots(lines) >= BOOTS_OF_A_LOOP;
}

function isFrame(line: string): boolean {
  return parseLine(Buffer.from(line, "latin1"))?.kind === "frame";
}

function readableShare(bytes: Buffer): number {
  const readable = bytes.filter((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13 || byte === 9);
  return bytes.length === 0 ? 0 : readable.length / bytes.length;
}

/** The line that tells most: why it went down, or else the last. */
function lastOf(lines: readonly string[]): string {
  const reason = lines.findLast((line) => ["brownout", "crashed"].includes(bootText(line) ?? ""));
  return `last heard: ${shown(reason ?? lines.at(-1) ?? "")}`;
}

function shown(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, "?").slice(0, SHOWN_CHARS);
}
