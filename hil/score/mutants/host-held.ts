/** Defects of the host in what it compares and what it keeps: few cases see them, many seeds do. */
import type { Mutant } from "../mutant.ts";

const DIGEST = "host/device/digest.ts";
const WAITERS = "host/device/session/waiters.ts";
const EXCHANGE = "host/device/session/exchange.ts";
const SESSION = "host/device/session/session.ts";
const SEARCH = "host/device/session/commands/work.ts";

const HOST = { where: "host", hint: [], expected: ["virtual"] } as const;

export const HOST_HELD_MUTANTS: readonly Mutant[] = [
  {
    ...HOST,
    id: "host/roots-not-compared",
    what: "Any root of an image is right, as long as there is one",
    edits: [
      {
        file: DIGEST,
        from: "!same(root, answer.roots.get(scale)));",
        to: "root.length !== answer.roots.get(scale)?.length);",
      },
    ],
  },
  {
    ...HOST,
    id: "host/image-digests-not-compared",
    what: "Any digests of an image's blocks are right, as long as there are some",
    edits: [
      {
        file: DIGEST,
        from: "if (!same(own.subarray(at, end), theirs?.subarray(at, end))) different += 1;",
        to: "if (theirs === undefined) different += end - at > 0 ? 1 : 0;",
      },
    ],
  },
  {
    ...HOST,
    id: "host/waiters-kept",
    what: "Who waited for an answer is never forgotten",
    edits: [{ file: WAITERS, from: "    this.#waiters.delete(id);\n", to: "" }],
  },
  {
    ...HOST,
    id: "host/settles-twice",
    what: "An answer is handed out twice",
    edits: [
      {
        file: EXCHANGE,
        from: 'out.push({ kind: "reply", id, reply: { args, boot, ...payload } });',
        to: 'for (let i = 0; i < 2; i++) out.push({ kind: "reply", id, reply: { args, boot, ...payload } });',
      },
    ],
  },
  {
    ...HOST,
    id: "host/numbers-rest-for-ever",
    what: "Numbers that rest for fear of a late reply are never used again",
    edits: [
      {
        file: EXCHANGE,
        from: "    for (const [seq, untilMs] of this.#lingering) if (untilMs <= nowMs) this.#lingering.delete(seq);\n",
        to: "",
      },
    ],
  },
  {
    ...HOST,
    id: "host/listener-kept",
    what: "A search that is over goes on hearing notices",
    edits: [{ file: SEARCH, from: "    stopHearing();\n", to: "" }],
  },
  {
    ...HOST,
    id: "host/chunks-kept",
    what: "Everything that ever came over a line is kept",
    edits: [
      {
        file: SESSION,
        from: "if (this.#end.reason !== undefined) return;\n    this.#step((nowMs, out) => {",
        to: "if (this.#end.reason !== undefined) return;\n    ((globalThis as { kept?: Uint8Array[] }).kept ??= []).push(chunk);\n    this.#step((nowMs, out) => {",
      },
    ],
    isAboutMemory: true,
  },
  {
    ...HOST,
    id: "host/sessions-kept",
    what: "Connections that are over are kept",
    edits: [
      {
        file: SESSION,
        from: "const session = new Session(transport, options);",
        to: "const session = new Session(transport, options);\n    ((globalThis as { sessions?: Session[] }).sessions ??= []).push(session);",
      },
    ],
    isAboutMemory: true,
  },
];
