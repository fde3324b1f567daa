/** A real Mosquitto, and the line to it, at their worst: stopped, wiped, slow, cut, forgetful, and away for long. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { judge } from "./judge.ts";
import type { Outcome, Piece, Run, Section, Task } from "./section.ts";
import { Stand } from "./stand.ts";

const SETTLE_MS = 300_000;
/** While nothing is delivered, this many files at most wait in the inbox. */
const WAITING_MAX = 200;
/** A lost acknowledgement costs the appliance its deadline of 10 s, and the connection. */
const LOSS = 0.03;
const SLOW_MS = 40;
/** Messages, before it is wiped. */
const KEPT_BY_BROKER = 8;
const FILM_EVERY_MS = 150;

/** What each piece counts, and how much of it there is in the long form. */
const PIECES: Readonly<Record<string, { readonly amount: number; readonly run: Run }>> = {
  "stopped and started (times)": { amount: 40, run: (task) => runBroker(task, stopped) },
  "killed and wiped (times)": { amount: 20, run: (task) => runBroker(task, wiped, false) },
  "slow (seconds)": { amount: 180, run: (task) => runBroker(task, slow) },
  "cut off (times)": { amount: 60, run: (task) => runBroker(task, cutOff) },
  "acknowledgements lost (times)": { amount: 20, run: (task) => runBroker(task, forgetful) },
  "away (results that wait)": { amount: 10_000, run: (task) => runBroker(task, away) },
};

export const BROKER: Section = {
  name: "broker",
  title:
    "A real Mosquitto is stopped, started, killed and wiped, slow, cut off, loses acknowledgements, and is away for long; all results arrive, in order.",
  unit: "as each piece says",
  pieces: (amount) =>
    Object.entries(PIECES).map(([name, piece]): Piece => ({ name, ...piece, amount: amount ?? piece.amount })),
};

type Trouble = (stand: Stand, task: Task) => Promise<void>;

/** The outage alone, for a short run. */
export const runAway: Run = (task) => runBroker(task, away);
export const runWiped: Run = (task) => runBroker(task, wiped, false);

/** @param inOrder false where the broker forgets: what is sent again comes after what is newer */
async function runBroker(task: Task, trouble: Trouble, inOrder = true): Promise<Outcome> {
  const { seed, folder, signal } = task;
  const stand = await Stand.open({ folder, seed });
  try {
    await stand.plugIn();
    await stand.start(signal);
    await trouble(stand, task);
    Object.assign(stand.line.weather, { packetMs: 0, lossOfPubacks: 0 });
    await stand.settle(SETTLE_MS, signal);
    await stand.stop();
    const evidence = stand.evidence(inOrder);
    const { observer, line } = stand;
    return {
      counts: {
        films: evidence.good.length,
        results: evidence.stored.length,
        seals: observer.seals.length,
        redelivered: observer.redelivered,
        connections: line.passed.connect,
        ...some("acknowledgements lost", line.lostPubacks),
        ...some("questions what may be missing", observer.noted("asked what may be missing")),
        ...some("questions about gaps", observer.noted("asked for a gap")),
      },
      findings: judge(evidence),
    };
  } finally {
    await stand.close();
  }
}

function some(name: string, count: number): Record<string, number> {
  return count === 0 ? {} : { [name]: count };
}

/** Films flow while `work` goes on. */
async function flowing(stand: Stand, work: () => Promise<void>): Promise<void> {
  let over = false;
  const films = (async () => {
    while (!over) {
      if (stand.waiting < WAITING_MAX) await stand.putOne();
      await sleep(stand.seeded.below(2 * FILM_EVERY_MS));
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await films;
  }
}

const pause = (stand: Stand, atLeastMs: number, atMostMs: number) =>
  sleep(atLeastMs + stand.seeded.below(atMostMs - atLeastMs));

async function times({ amount, signal, progress }: Task, work: () => Promise<void>): Promise<void> {
  for (let done = 1; done <= amount; done++) {
    signal.throwIfAborted();
    await work();
    progress(done);
  }
}

/** Once a connection is of use: what happens while there is none happens to nobody. */
async function delivering({ line }: Stand, signal: AbortSignal): Promise<void> {
  const before = line.passed.puback;
  await until(signal, () => line.passed.puback > before);
}

/** As an operator does it: what it holds is on its disk then. */
const stopped: Trouble = (stand, task) =>
  flowing(stand, () =>
    times(task, async () => {
      await delivering(stand, task.signal);
      await pause(stand, 0, 3000);
      await stand.broker.halt("SIGTERM");
      await pause(stand, 200, 4000);
      await stand.broker.resume();
    }),
  );

/**
 * What it had acknowledged and kept for the subscriber, who was away, is gone, and so is the subscriber's session. The
 * subscriber begins with the first result that it hears of: it has heard one before.
 */
const wiped: Trouble = (stand, task) =>
  flowing(stand, async () => {
    const { broker, line, observer } = stand;
    await until(task.signal, () => observer.arrived.length > 0);
    await times(task, async () => {
      await pause(stand, 500, 3000);
      await observer.leave();
      const enough = line.passed.puback + KEPT_BY_BROKER;
      await until(task.signal, () => line.passed.puback >= enough);
      await broker.halt("SIGKILL");
      rmSync(join(broker.folder, "mosquitto.db"), { force: true });
      await pause(stand, 200, 2000);
      await broker.resume();
      observer.come();
    });
  });

async function until(signal: AbortSignal, holds: () => boolean): Promise<void> {
  while (!holds()) {
    signal.throwIfAborted();
    await sleep(20);
  }
}

const slow: Trouble = async (stand, task) => {
  stand.line.weather.packetMs = SLOW_MS;
  await flowing(stand, () => times(task, () => sleep(1000)));
};

const cutOff: Trouble = (stand, task) =>
  flowing(stand, () =>
    times(task, async () => {
      await delivering(stand, task.signal);
      await pause(stand, 20, 1200);
      stand.line.cut();
    }),
  );

const forgetful: Trouble = async (stand, { amount, signal, progress }) => {
  stand.line.weather.lossOfPubacks = LOSS;
  await flowing(stand, async () => {
    while (stand.line.lostPubacks < amount) {
      signal.throwIfAborted();
      await sleep(200);
      progress(Math.min(amount, stand.line.lostPubacks));
    }
  });
};

/** Until so many results wait in the outbox. */
const away: Trouble = async (stand, { amount, signal, progress }) => {
  await stand.broker.halt("SIGTERM");
  for (let put = 0; put < amount; put++) {
    signal.throwIfAborted();
    await stand.putOne();
    while (stand.waiting >= WAITING_MAX) await sleep(20);
    progress(put + 1);
  }
  while (stand.waiting > 0) {
    signal.throwIfAborted();
    await sleep(100);
  }
  await stand.broker.resume();
};
