/** What becomes of a line's bytes under each fault that changes them. */
import { encodeFrame, type Frame } from "../../host/device/link/frame.ts";
import { DAMAGES, type DamageKind, damage } from "../../host/device/testing/damage.ts";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import { garble } from "./garble.ts";
import type { FaultKind } from "./kinds.ts";
import { extraWord, forge, frameOf, otherBoot } from "./lies.ts";
import { bootText, probe } from "./noise.ts";
import type { Fault } from "./plan.ts";

export interface ChangeContext {
  readonly fault: Fault;
  readonly random: Seeded;
  /** Lines that passed before, on this connection and in this direction. */
  readonly earlier: readonly Buffer[];
  /** The answer to the same command before this one. */
  readonly answerBefore: Frame | undefined;
}

const UART_BAUD = 115_200;
const OTHER_BAUD = 921_600;

/** What arrives instead of `line`; undefined where there is nothing in it that the fault could change. */
export function change(line: Buffer, { fault, random, earlier, answerBefore }: ChangeContext): Buffer | undefined {
  if (isDamage(fault.kind)) return damage(fault.kind, line, random, earlier);
  switch (fault.kind) {
    case "at":
      return Buffer.concat([probe(random), line]);
    case "banner":
      return Buffer.concat([bootText(), line]);
    case "garble":
      return garble(line, fault.lineBaud ?? UART_BAUD, fault.baud ?? OTHER_BAUD);
    case "forge":
      return forge(line, random);
    default:
      return relate(line, { fault, random, answerBefore });
  }
}

/** Lies about a whole frame. */
function relate(
  line: Buffer,
  { fault, random, answerBefore }: Pick<ChangeContext, "fault" | "random" | "answerBefore">,
): Buffer | undefined {
  const frame = frameOf(line);
  if (frame === undefined) return undefined;
  switch (fault.kind) {
    case "other-boot":
      return otherBoot(frame, random);
    case "extra-word":
      return extraWord(frame);
    case "stale-answer":
      return answerBefore === undefined ? undefined : encodeFrame({ ...answerBefore, seq: frame.seq });
    default:
      return undefined;
  }
}

/** `reorder` needs more than one line: the lane sees to it. */
function isDamage(kind: FaultKind): kind is FaultKind & DamageKind {
  return kind !== "reorder" && Object.hasOwn(DAMAGES, kind);
}
