import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Batcher, type BatchLeaf, type BatchOutput, type BatchPolicy } from "./batch.ts";
import { meansOfQuantile } from "./share-times.ts";

const leaf = (number: number, joinedMs: number): BatchLeaf => ({
  resultId: `r${number}`,
  commitment: Buffer.alloc(32, number),
  joinedMs,
});
const POLICY = { maxSize: 4, maxAgeMs: 1000, deadlineMs: 30_000, lateQuantile: 0.999 };
const LATE_MEANS = meansOfQuantile(0.999);

/** With a device that needs 100 ms a share, from time 0. */
function working(policy: BatchPolicy = {}, expectedMs: number | null = 100): Batcher {
  const batcher = new Batcher({ ...POLICY, ...policy }, { waiting: [] }, 0);
  batcher.expect(expectedMs, 0);
  return batcher;
}
const kinds = (outputs: readonly BatchOutput[]) => outputs.map(({ kind }) => kind);
const idsOf = (outputs: readonly BatchOutput[]) =>
  outputs.flatMap((output) => (output.kind === "work" ? output.batch.leaves.map(({ resultId }) => resultId) : []));

describe("a batch closes", () => {
  test("when it is full, at once", () => {
    const batcher = working();
    for (const i of [1, 2, 3]) expect(batcher.join(leaf(i, 0), 0)).toEqual([]);
    expect(batcher.join(leaf(4, 0), 0)).toMatchObject([{ kind: "work", why: "size", batch: { number: 1 } }]);
    expect(batcher.worked?.leaves.map(({ resultId }) => resultId)).toEqual(["r1", "r2", "r3", "r4"]);
  });

  test("when its oldest result has waited long enough, and says when that will be", () => {
    const batcher = working();
    batcher.join(leaf(1, 50), 50);
    batcher.join(leaf(2, 700), 700);
    expect(batcher.wakeAtMs()).toBe(1050);
    expect(batcher.tick(1049)).toEqual([]);
    expect(batcher.tick(1050)).toMatchObject([{ kind: "work", why: "age" }]);
  });

  test("earlier, where the device needs what is left until the deadline", () => {
    const batcher = working({ deadlineMs: 8000, maxAgeMs: 5000 }, 7100);
    batcher.join(leaf(1, 0), 0);
    expect(batcher.wakeAtMs()).toBe(900);
    expect(batcher.tick(900)).toMatchObject([{ kind: "work", why: "deadline" }]);
    const hopeless = working({ deadlineMs: 5000, maxAgeMs: 5000 }, 7100);
    expect(hopeless.join(leaf(1, 0), 0)).toMatchObject([{ kind: "work", why: "deadline" }]);
  });

  test("not while another is worked: what joins waits for the next", () => {
    const batcher = working({ maxSize: 2 });
    batcher.join(leaf(1, 0), 0);
    batcher.join(leaf(2, 0), 0);
    for (const i of [3, 4, 5]) expect(batcher.join(leaf(i, 10), 10)).toEqual([]);
    const next = batcher.sealed(1, 20);
    expect(next).toMatchObject([{ kind: "work", why: "size", batch: { number: 2 } }]);
    expect(idsOf(next)).toEqual(["r3", "r4"]);
    expect(batcher.waiting).toBe(1);
  });

  test("not by a seal of a batch that is no longer worked", () => {
    const batcher = working({ maxSize: 1 });
    batcher.join(leaf(1, 0), 0);
    expect(batcher.sealed(0, 1)).toEqual([]);
    expect(batcher.worked?.number).toBe(1);
    batcher.sealed(1, 2);
    expect(batcher.sealed(1, 3)).toEqual([]);
    expect(batcher.worked).toBeNull();
  });

  test("not without a device, and as soon as there is one", () => {
    const batcher = working({}, null);
    for (const i of [1, 2, 3, 4, 5]) expect(batcher.join(leaf(i, 0), 0)).toEqual([]);
    expect(batcher.expect(100, 9000)).toMatchObject([{ kind: "work", why: "size" }]);
  });
});

describe("a seal is late", () => {
  const started = (expectedMs: number) => {
    const batcher = working({ maxSize: 1 }, expectedMs);
    batcher.join(leaf(1, 0), 0);
    return batcher;
  };

  test("once, when the stated part of all seals would have come", () => {
    const batcher = started(7100);
    const wakeMs = batcher.wakeAtMs() ?? 0;
    expect(wakeMs).toBeCloseTo(LATE_MEANS * 7100, 3);
    expect(batcher.tick(wakeMs - 1)).toEqual([]);
    expect(batcher.tick(wakeMs)).toMatchObject([{ kind: "late", waitedMs: wakeMs, expectedMs: 7100 }]);
    expect(batcher.tick(wakeMs + 1e6)).toEqual([]);
    expect(batcher.wakeAtMs()).toBeNull();
  });

  test("by what every stretch of time promised, as devices come and go", () => {
    const batcher = started(1000);
    batcher.expect(null, 3000);
    expect(batcher.tick(60_000).filter(({ kind }) => kind === "late")).toEqual([]);
    batcher.expect(500, 100_000);
    const wakeMs = batcher.wakeAtMs() ?? 0;
    expect(wakeMs).toBeCloseTo(100_000 + (LATE_MEANS - 3) * 500, 3);
    expect(kinds(batcher.tick(wakeMs))).toEqual(["late"]);
  });

  test("anew for the next batch", () => {
    const batcher = started(10);
    expect(kinds(batcher.tick(1000))).toEqual(["late"]);
    batcher.join(leaf(2, 1000), 1000);
    expect(kinds(batcher.sealed(1, 1000))).toEqual(["work"]);
    expect(batcher.tick(1000 + LATE_MEANS * 9)).toEqual([]);
    expect(kinds(batcher.tick(2000))).toEqual(["late"]);
  });
});

describe("without a device", () => {
  test("results that wait beyond the deadline are told once an absence", () => {
    const batcher = working({}, null);
    batcher.join(leaf(1, 5), 5);
    batcher.join(leaf(2, 6), 6);
    expect(batcher.wakeAtMs()).toBe(30_005);
    expect(batcher.tick(30_004)).toEqual([]);
    expect(batcher.tick(30_005)).toEqual([{ kind: "no-device", waitedMs: 30_000, results: 2 }]);
    expect(batcher.tick(60_000)).toEqual([]);
    expect(batcher.wakeAtMs()).toBeNull();
    batcher.expect(100, 60_000);
    batcher.expect(null, 60_001);
    expect(kinds(batcher.tick(60_001))).toEqual([]);
    expect(batcher.worked).not.toBeNull();
  });

  test("the next absence is told again", () => {
    const batcher = working({}, null);
    batcher.join(leaf(1, 0), 0);
    expect(kinds(batcher.tick(30_000))).toEqual(["no-device"]);
    batcher.expect(100, 30_001);
    expect(kinds(batcher.expect(null, 30_002))).toEqual([]);
    expect(batcher.wakeAtMs()).toBe(60_002);
    expect(kinds(batcher.tick(60_002))).toEqual(["no-device"]);
  });

  test("a device that is away for moments is no news, however long results wait", () => {
    const batcher = working({}, null);
    batcher.join(leaf(1, 0), 0);
    for (let nowMs = 20_000; nowMs < 1e6; nowMs += 20_000) {
      batcher.expect(1e9, nowMs);
      expect(kinds(batcher.expect(null, nowMs + 1))).toEqual([]);
    }
  });

  test("what waited over a restart is told only when the device had time to come", () => {
    const batcher = new Batcher(POLICY, { waiting: [leaf(1, -1e6)] }, 0);
    expect(batcher.tick(29_999)).toEqual([]);
    expect(kinds(batcher.tick(30_000))).toEqual(["no-device"]);
  });

  test("nothing is told where nothing waits", () => {
    const batcher = working({}, null);
    expect(batcher.wakeAtMs()).toBeNull();
    expect(batcher.tick(1e9)).toEqual([]);
  });
});

describe("after a restart", () => {
  test("the worked batch is worked on and the waiting results wait on", () => {
    const worked = [leaf(1, -500), leaf(2, -400)];
    const batcher = new Batcher(POLICY, { worked, waiting: [leaf(3, -300)] }, 0);
    expect(batcher.worked).toEqual({ number: 1, leaves: worked });
    batcher.expect(100, 0);
    expect(idsOf(batcher.sealed(1, 800))).toEqual(["r3"]);
  });

  test("more than a batch or the queue may hold is refused", () => {
    const many = Array.from({ length: 1025 }, (_, i) => leaf(i, 0));
    expect(() => new Batcher(POLICY, { worked: many, waiting: [] }, 0)).toThrow(/SEAL_BATCH/);
    expect(() => new Batcher(POLICY, { worked: [], waiting: [] }, 0)).toThrow(/SEAL_BATCH/);
    expect(() => new Batcher({ maxWaiting: 9 }, { waiting: many }, 0)).toThrow(/SEAL_BATCH/);
  });
});

test("a full queue tells its room and refuses more", () => {
  const batcher = working({ maxWaiting: 2 }, null);
  batcher.join(leaf(1, 0), 0);
  expect(batcher.room).toBe(1);
  batcher.join(leaf(2, 0), 0);
  expect(() => batcher.join(leaf(3, 0), 0)).toThrow(/SEAL_BATCH/);
});

test("a policy out of range is refused by name", () => {
  const bad: BatchPolicy[] = [
    { maxSize: 0 },
    { maxSize: 1025 },
    { maxSize: 1.5 },
    { maxAgeMs: -1 },
    { deadlineMs: 0 },
    { lateQuantile: 1 },
    { lateQuantile: Number.NaN },
    { maxWaiting: 0 },
  ];
  for (const policy of bad) {
    expect(() => new Batcher(policy, { waiting: [] }, 0)).toThrow(new RegExp(`${Object.keys(policy)[0]}.*SEAL_POLICY`));
  }
  expect(() => working().expect(0, 0)).toThrow(/SEAL_POLICY/);
});

test("every result is worked exactly once, in order, whatever happens when", () => {
  const event = fc.record({ kind: fc.constantFrom("join", "sealed", "tick", "gone", "back"), afterMs: fc.nat(2000) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const batcher = working();
      let [nowMs, joined] = [0, 0];
      const worked: string[] = [];
      const take = (outputs: readonly BatchOutput[]) => worked.push(...idsOf(outputs));
      const sealed = () => take(batcher.sealed(batcher.worked?.number ?? 0, nowMs));
      for (const { kind, afterMs } of events) {
        nowMs += afterMs;
        if (kind === "join") take(batcher.join(leaf(++joined, nowMs), nowMs));
        else if (kind === "sealed") sealed();
        else if (kind === "tick") take(batcher.tick(nowMs));
        else take(batcher.expect(kind === "back" ? 300 : null, nowMs));
        expect(batcher.worked?.leaves.length ?? 1).toBeLessThanOrEqual(4);
      }
      take(batcher.expect(300, nowMs));
      for (let i = 0; i <= joined; i++) {
        nowMs += 2000;
        sealed();
      }
      expect(worked).toEqual(Array.from({ length: joined }, (_, i) => `r${i + 1}`));
    }),
  );
});
