import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isLocalAddress } from "../axeos/local-address.ts";
import { ANSWER_BYTES_MAX, CgminerClient, type CgminerOptions } from "./client.ts";
import { ANSWERS } from "./testing/answers.ts";
import { FakeCgminer } from "./testing/fake-cgminer.ts";

let fake: FakeCgminer;

beforeEach(async () => {
  fake = await FakeCgminer.start(ANSWERS);
});
afterEach(() => fake.close());

const clientOf = (options: Partial<CgminerOptions> = {}) =>
  new CgminerClient({ host: "127.0.0.1", port: fake.port, allowed: isLocalAddress, ...options });

describe("the client", () => {
  test("asks each question on a connection of its own and reads stock firmware's answers", async () => {
    expect(await clientOf().reading()).toMatchObject({
      hashrateGhs: 13_463.21,
      sharesAccepted: 9_812,
      fallbackPool: false,
    });
    expect(fake.questions).toEqual(["stats", "summary", "pools"]);
  });

  test("does without summary and pools, and not without stats", async () => {
    await fake.close();
    fake = await FakeCgminer.start({ stats: ANSWERS.stats ?? "" });
    expect(await clientOf().reading()).toMatchObject({ hashrateGhs: 13_463.21, sharesAccepted: null });
    await expect(clientOf().ask("summary")).rejects.toMatchObject({ code: "CGMINER_REFUSED" });
    fake.handler = (socket) => socket.end("\0");
    await expect(clientOf().reading()).rejects.toMatchObject({ code: "CGMINER_REPLY" });
  });

  test("takes an answer as whole at its NUL, though the connection stays open", async () => {
    fake.handler = (socket) => socket.write(`${ANSWERS.stats}\0`);
    expect(await clientOf().ask("stats")).toHaveLength(2);
    await expect.poll(() => fake.connections).toBe(0);
  });

  test("stops reading an answer without end", async () => {
    fake.handler = (socket) => {
      const more = () => socket.write("x".repeat(8_192), () => socket.destroyed || setImmediate(more));
      more();
    };
    await expect(clientOf().ask("stats")).rejects.toMatchObject({
      code: "CGMINER_SIZE",
      detail: expect.stringContaining(String(ANSWER_BYTES_MAX)),
    });
  });

  test("gives up an answer that never comes, and leaves no connection behind", async () => {
    fake.handler = () => {};
    await expect(clientOf({ deadlineMs: 50 }).ask("stats")).rejects.toMatchObject({ code: "CGMINER_DEADLINE" });
    await expect.poll(() => fake.connections).toBe(0);
  });

  test("gives up when the caller does, for the caller's reason", async () => {
    const reason = new Error("enough");
    await expect(clientOf().ask("stats", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    fake.handler = () => {};
    const stop = new AbortController();
    const asked = clientOf().reading({ signal: stop.signal });
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  test("asks no name and no address that is not allowed", async () => {
    for (const host of ["8.8.8.8", "localhost", ""]) {
      await expect(clientOf({ host }).ask("stats")).rejects.toMatchObject({ code: "CGMINER_ADDRESS" });
    }
    expect(fake.questions).toEqual([]);
  });

  test("says that nobody answers", async () => {
    const client = clientOf();
    await fake.close();
    await expect(client.ask("stats")).rejects.toMatchObject({ code: "CGMINER_UNREACHABLE" });
    fake = await FakeCgminer.start({});
  });
});
