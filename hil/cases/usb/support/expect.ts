/** What replies must be. */

import { sha256 } from "../../../../host/device/digest.ts";
import type { Frame, LinkEvent } from "../../../../host/device/link/frame.ts";
import { expectThat } from "../../../rig/case.ts";

/** @returns the words after the boot id */
export function okWords(reply: Frame, of: string, words?: number): readonly string[] {
  expectThat(reply.verb === "OK", `${of} was answered with ${shown(reply)}, not with OK`);
  const rest = reply.args.slice(1);
  if (words !== undefined)
    expectThat(rest.length === words, `${of} was answered with ${rest.length} words, not ${words}`);
  return rest;
}

/** The one word that a reply consists of. */
export function okWord(reply: Frame, of: string): string {
  return okWords(reply, of, 1)[0] ?? "";
}

export function okPayload(reply: Frame, of: string): Uint8Array {
  okWords(reply, of, 0);
  expectThat(reply.payload !== undefined, `${of} was answered without a payload`);
  return reply.payload;
}

export function expectErr(reply: Frame, code: string | readonly string[], of: string): void {
  const codes = [code].flat();
  const right = reply.verb === "ERR" && codes.includes(reply.args[1] ?? "");
  expectThat(right, `${of} was answered with ${shown(reply)}, not with ERR ${codes.join(" or ")}`);
}

/** Neither OK nor ERR among what was heard. */
export function expectUnanswered(heard: readonly LinkEvent[], of: string): void {
  const answer = heard.find(
    (event) => event.kind === "frame" && (event.frame.verb === "OK" || event.frame.verb === "ERR"),
  );
  expectThat(
    answer === undefined,
    `${of} was answered${answer?.kind === "frame" ? ` with ${shown(answer.frame)}` : ""}`,
  );
}

export function expectDigest(word: string, block: Uint8Array, of: string): void {
  const own = hexOf(sha256(block));
  expectThat(word === own, `the digest of ${of} is ${word.slice(0, 64)}, the host's own is ${own}`);
}

/** @param of in front of what differs */
export function expectBytes(theirs: Uint8Array | undefined, own: Uint8Array, of: string): void {
  const equal = theirs !== undefined && Buffer.compare(theirs, own) === 0;
  expectThat(
    equal,
    `${of}: ${theirs === undefined ? "nothing" : hexOf(theirs).slice(0, 64)}, the host's own is ${hexOf(own).slice(0, 64)}`,
  );
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

export function shown({ verb, args, payload }: Frame): string {
  const words = [verb, ...args].join(" ").slice(0, 120);
  return payload === undefined ? words : `${words} and ${payload.length} bytes`;
}
