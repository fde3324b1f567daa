/** What hostile or broken clients do to a bridge, each on a connection of its own. */
import type { Socket } from "node:net";
import type { Seeded } from "../../testing/seeded.ts";

/** One attack: writes to the socket; what it writes later it does by itself, until the socket is gone. */
export type Attack = (socket: Socket, seeded: Seeded, loot: Loot) => void;

/** What an attacker on the same network may have seen of an honest miner. */
export interface Loot {
  readonly workers: readonly string[];
  /** `mining.submit` lines that were accepted. */
  readonly shares: readonly string[];
}

const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const METHODS = [
  "mining.subscribe",
  "mining.configure",
  "mining.authorize",
  "mining.submit",
  "mining.suggest_difficulty",
  "mining.extranonce.subscribe",
  "mining.ping",
  "client.get_version",
  "client.reconnect",
  "__proto__",
  "constructor",
];

function anything(seeded: Seeded, depth = 0): unknown {
  const simple = [null, true, false, 0, -1, 1e308, 2 ** 53, "", "x", "00000000", "ffffffff", "\u0000", "💥", "1e9"];
  if (depth > 3 || seeded.next() < 0.6) return seeded.pick(simple);
  const items = Array.from({ length: seeded.below(4) }, () => anything(seeded, depth + 1));
  return seeded.next() < 0.5 ? items : Object.fromEntries(items.map((item, i) => [`k${i}`, item]));
}

function login(socket: Socket, worker: string): void {
  const mask = { "version-rolling.mask": "ffffffff" };
  socket.write(
    line({ id: 1, method: "mining.configure", params: [["version-rolling"], mask] }) +
      line({ id: 2, method: "mining.subscribe", params: ["attacker"] }) +
      line({ id: 3, method: "mining.authorize", params: [worker, "x"] }),
  );
}

/** Calls `next` with every whole line that comes in. */
function onLines(socket: Socket, next: (text: string) => void): void {
  let text = "";
  socket.on("data", (chunk) => {
    const lines = (text + chunk.toString("utf8")).split("\n");
    text = lines.pop() ?? "";
    for (const whole of lines) next(whole);
  });
}

/** A little every now and then, until the socket is gone. */
function drip(socket: Socket, everyMs: number, write: () => void): void {
  const timer = setInterval(() => (socket.writable ? write() : clearInterval(timer)), everyMs);
  socket.once("close", () => clearInterval(timer));
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  garbage: (socket, seeded) => void socket.write(seeded.bytes(1 + seeded.below(5000))),
  "garbage lines": (socket, seeded) => {
    for (let i = 0; i < 20; i++) socket.write(Buffer.concat([seeded.bytes(seeded.below(100)), Buffer.from("\n")]));
  },
  "a megabyte in one line": (socket) => void socket.write("[".repeat(1_000_000)),
  "a megabyte of line ends": (socket) => void socket.write("\n".repeat(1_000_000)),
  "deep brackets": (socket, seeded) => {
    const depth = 10 + seeded.below(1900);
    const [open, close] = seeded.pick([
      ["[", "]"],
      ['{"a":', "}"],
    ] as const);
    const deep = `${open.repeat(depth)}0${close.repeat(depth)}`.slice(0, 4000);
    for (let i = 0; i < 10; i++) socket.write(`{"id":1,"method":"mining.submit","params":${deep}}\n`);
  },
  "wrong types": (socket, seeded) => {
    for (let i = 0; i < 50; i++) {
      const id = anything(seeded);
      const method = seeded.next() < 0.9 ? seeded.pick(METHODS) : anything(seeded);
      socket.write(line({ id, method, params: seeded.next() < 0.8 ? [anything(seeded)] : anything(seeded) }));
    }
  },
  "wrong types, logged in": (socket, seeded, { workers }) => {
    login(socket, seeded.pick(workers));
    for (let i = 0; i < 50; i++) {
      const params = Array.from({ length: seeded.below(8) }, () => anything(seeded));
      socket.write(line({ id: i, method: seeded.pick(METHODS), params }));
    }
  },
  "half a line, then silence": (socket) => void socket.write('{"id":1,"method":"mining.subs'),
  "slow loris": (socket, seeded) => {
    const text = line({ id: 1, method: "mining.subscribe", params: ["x".repeat(200)] });
    let at = 0;
    drip(socket, 5 + seeded.below(20), () => socket.write(text[at++ % text.length] ?? ""));
  },
  "opens and goes": (socket, seeded) => {
    if (seeded.next() < 0.5) socket.resetAndDestroy();
    else socket.end();
  },
  "reads nothing": (socket, seeded, { workers }) => {
    socket.pause();
    login(socket, seeded.pick(workers));
    drip(socket, 5, () => socket.write(line({ id: 1, method: "mining.ping", params: [] })));
  },
  "guesses workers": (socket, seeded) => {
    for (let i = 0; i < 10; i++) {
      socket.write(line({ id: i, method: "mining.authorize", params: [`w${seeded.below(9)}`, ""] }));
    }
  },
  "replays the shares of others": (socket, seeded, { workers, shares }) => {
    login(socket, seeded.pick(workers));
    for (const share of shares.slice(-20)) socket.write(`${share}\n`);
  },
  "forges shares": (socket, seeded, { workers }) => {
    const worker = seeded.pick(workers);
    login(socket, worker);
    onLines(socket, (text) => {
      const { method, params } = JSON.parse(text);
      if (method !== "mining.notify") return;
      const [id, , , , , , , ntime] = params;
      for (let i = 0; i < 20; i++) {
        const [en2, nonce] = [seeded.bytes(4).toString("hex"), seeded.bytes(4).toString("hex")];
        const bits = seeded.next() < 0.5 ? seeded.bytes(4).toString("hex") : "00002000";
        socket.write(line({ id: 10 + i, method: "mining.submit", params: [worker, id, en2, ntime, nonce, bits] }));
      }
    });
  },
  flood: (socket, seeded, { workers }) => {
    login(socket, seeded.pick(workers));
    socket.write(line({ id: 1, method: "mining.ping", params: [] }).repeat(2000));
  },
};
