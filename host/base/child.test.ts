import { afterEach, describe, expect, test } from "vitest";
import { Child, ChildError, type ChildOptions, ChildRefusal } from "./child.ts";
import type { TestRequest } from "./fixtures/test-child.ts";

type TestChild = Child<TestRequest, unknown>;

const children: TestChild[] = [];

function startChild(options: Partial<ChildOptions> = {}): TestChild {
  const child: TestChild = new Child({
    name: "the test child",
    module: new URL("./fixtures/test-child.ts", import.meta.url),
    memoryMiB: 512,
    deadlineMs: 20_000,
    window: 1,
    queueMax: 8,
    ...options,
  });
  children.push(child);
  return child;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
});

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof ChildError || error instanceof ChildRefusal ? error.code : error),
  );

describe("a supervised child", () => {
  test("answers with the bytes it was sent", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const reply = await startChild().request({ do: "echo", bytes });
    expect(Buffer.from(reply as Uint8Array).equals(bytes)).toBe(true);
  });

  test("starts once for many requests and answers each its own", async () => {
    const child = startChild({ window: 4 });
    const waits = [40, 1, 20, 2, 3, 4];
    expect(await Promise.all(waits.map((ms) => child.request({ do: "wait", ms })))).toEqual(waits);
    expect(child.state).toMatchObject({ starts: 1, queued: 0 });
  });

  test("that was warmed is running before its first request, and is not started again for it", async () => {
    const child = startChild();
    child.warm();
    expect(child.state.pid).toBeGreaterThan(0);
    expect(await child.request({ do: "wait", ms: 1 })).toBe(1);
    expect(child.state.starts).toBe(1);
  });

  test("keeps the code and words of a refusal and lives on", async () => {
    const child = startChild();
    const refusal = child.request({ do: "refuse" });
    await expect(refusal).rejects.toThrow("it is not to my taste");
    expect(await code(refusal)).toBe("TEST_REFUSED");
    expect(await code(child.request({ do: "throw" }))).toBe("INTERNAL");
    expect(child.state.starts).toBe(1);
  });

  test("is replaced after a crash, and only the request that it held fails", async () => {
    const child = startChild();
    const crash = child.request({ do: "die", words: "famous last words" });
    const next = child.request({ do: "wait", ms: 1 });
    await expect(crash).rejects.toThrow(/SIGSEGV.*famous last words/);
    expect(await code(crash)).toBe("CHILD_CRASHED");
    expect(await next).toBe(1);
    expect(child.state.starts).toBe(2);
  });

  test("is killed at its deadline, and requests that wait or share it are answered by its successor", async () => {
    const child = startChild({ deadlineMs: 2500, window: 2 });
    await child.request({ do: "wait", ms: 1 });
    const late = child.request({ do: "wait", ms: 60_000 });
    const sharing = new Promise((resolve) => setTimeout(resolve, 1500)).then(() =>
      child.request({ do: "wait", ms: 1200 }),
    );
    expect(await code(late)).toBe("CHILD_DEADLINE");
    const after = child.request({ do: "wait", ms: 2 });
    expect(await sharing).toBe(1200);
    expect(await after).toBe(2);
    expect(child.state).toMatchObject({ starts: 2, lastErrorCode: "CHILD_DEADLINE" });
  });

  test("dies of its memory bound and not of the machine's", async () => {
    const child = startChild({ memoryMiB: 300 });
    expect(await child.request({ do: "allocate", mebibytes: 50 })).toBe(50);
    expect(await code(child.request({ do: "allocate", mebibytes: 1000 }))).not.toBe("no error");
    expect(await child.request({ do: "wait", ms: 1 })).toBe(1);
  });

  test("refuses what exceeds the queue", async () => {
    const child = startChild({ queueMax: 2 });
    await child.request({ do: "wait", ms: 1 });
    const taken = [1, 2, 3].map((ms) => child.request({ do: "wait", ms }));
    expect(await code(child.request({ do: "wait", ms: 4 }))).toBe("CHILD_BUSY");
    expect(await Promise.all(taken)).toEqual([1, 2, 3]);
  });

  test("that ends before it is ready fails what waits, with its last words", async () => {
    const child = startChild({ args: ["broken"] });
    const requests = [child.request({ do: "refuse" }), child.request({ do: "refuse" })];
    expect(await Promise.all(requests.map(code))).toEqual(["CHILD_START", "CHILD_START"]);
    await expect(requests[0]).rejects.toThrow("the model file is missing");
  });

  test("that never becomes ready is killed", async () => {
    const child = startChild({ args: ["silent"], startDeadlineMs: 1000 });
    const request = child.request({ do: "refuse" });
    expect(await code(request)).toBe("CHILD_START");
    await expect(request).rejects.toThrow("not ready after 1000 ms");
  });

  test("that ends too often is left alone for a while, and what asks for it is told so at once", async () => {
    let nowMs = 0;
    const child = startChild({ budget: { most: 2, everyMs: 60_000 }, monotonicMs: () => nowMs });
    const die = () => code(child.request({ do: "die", words: "again" }));
    expect([await die(), await die(), await die()]).toEqual(Array(3).fill("CHILD_CRASHED"));
    expect(child.state).toMatchObject({ starts: 3, resting: true, lastErrorCode: "CHILD_CRASHED" });
    expect(await code(child.request({ do: "wait", ms: 1 }))).toBe("CHILD_RESTING");
    child.warm();
    expect(child.state.starts).toBe(3);
    nowMs = 60_000;
    expect(child.state.resting).toBe(false);
    expect(await child.request({ do: "wait", ms: 1 })).toBe(1);
  });

  test("that rests lets nothing wait for it that shared its last crash", async () => {
    const child = startChild({ budget: { most: 1, everyMs: 60_000 }, window: 1 });
    await code(child.request({ do: "die", words: "once" }));
    const [last, behind] = [child.request({ do: "die", words: "twice" }), child.request({ do: "wait", ms: 1 })];
    expect(await Promise.all([code(last), code(behind)])).toEqual(["CHILD_CRASHED", "CHILD_RESTING"]);
  });

  test("is gone once stopped, with what waited refused", async () => {
    const child = startChild();
    await child.request({ do: "wait", ms: 1 });
    const { pid } = child.state;
    const waiting = code(child.request({ do: "wait", ms: 60_000 }));
    await child.stop();
    await child.stop();
    expect(await waiting).toBe("CHILD_STOPPED");
    expect(await code(child.request({ do: "wait", ms: 1 }))).toBe("CHILD_STOPPED");
    expect(() => process.kill(pid ?? 0, 0)).toThrow("ESRCH");
  });
});
