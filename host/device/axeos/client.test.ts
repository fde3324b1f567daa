import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ANSWER_BYTES_MAX, AxeosClient, type AxeosOptions } from "./client.ts";
import { isLocalAddress } from "./local-address.ts";
import { FakeAxeos } from "./testing/fake-axeos.ts";
import { PAYLOADS } from "./testing/payloads.ts";

let fake: FakeAxeos;

beforeEach(async () => {
  fake = await FakeAxeos.start(PAYLOADS["v2.12"]);
});
afterEach(() => fake.close());

const clientAt = (port: number, options: Partial<AxeosOptions> = {}) =>
  new AxeosClient({ host: "127.0.0.1", port, allowed: isLocalAddress, ...options });
const clientOf = (options: Partial<AxeosOptions> = {}) => clientAt(fake.port, options);

function answering(handler: (request: IncomingMessage, response: ServerResponse) => void): void {
  fake.handler = (request, response) => {
    handler(request, response);
    return true;
  };
}

describe("the client", () => {
  test("reads info and chip, and sends settings with their length", async () => {
    expect(await clientOf().info()).toMatchObject({ ASICModel: "BM1366", hashRate: 431.7 });
    expect(await clientOf().asic()).toEqual({ ASICModel: "BM1366" });
    await clientOf().patch({ frequency: 400 });
    expect(fake.requests.at(-1)).toEqual({ method: "PATCH", path: "/api/system", body: { frequency: 400 } });
    let headers: IncomingMessage["headers"] = {};
    answering((request, response) => {
      headers = request.headers;
      response.end();
    });
    await clientOf().patch({ hostname: "naïve" });
    expect(headers).toMatchObject({ "content-length": "21", "content-type": "application/json" });
    expect(headers).not.toHaveProperty("transfer-encoding");
    expect(headers).not.toHaveProperty("origin");
  });

  test("restarts, also where the connection breaks off instead of an answer", async () => {
    await clientOf().restart();
    expect(fake.restarts).toBe(1);
    answering((request) => request.socket.destroy());
    await expect(clientOf().restart()).resolves.toBeUndefined();
    await expect(clientOf().info()).rejects.toMatchObject({ code: "AXEOS_UNREACHABLE" });
  });

  test("pauses and resumes mining where the firmware can", async () => {
    await expect(clientOf().pause()).rejects.toMatchObject({ code: "AXEOS_STATUS" });
    fake.set({ miningPaused: false });
    await clientOf().pause();
    expect(await clientOf().info()).toMatchObject({ miningPaused: true });
    await clientOf().resume();
    expect(await clientOf().info()).toMatchObject({ miningPaused: false });
  });

  test("asks no address that is not allowed, by number or by name", async () => {
    await expect(clientOf({ host: "8.8.8.8" }).info()).rejects.toMatchObject({ code: "AXEOS_ADDRESS" });
    const nowhere = { host: "localhost", allowed: () => false };
    await expect(clientOf(nowhere).info()).rejects.toMatchObject({ code: "AXEOS_ADDRESS" });
    expect(fake.requests).toEqual([]);
    await expect(
      clientOf({ host: "localhost", allowed: (address) => address !== "8.8.8.8" }).info(),
    ).resolves.toBeDefined();
  });

  test("names the status of a refusal, and follows no redirect", async () => {
    answering((_, response) => response.writeHead(401).end("Unauthorized"));
    await expect(clientOf().info()).rejects.toMatchObject({ code: "AXEOS_STATUS", detail: /status 401/ });
    let asked = 0;
    answering((_, response) => {
      asked += 1;
      response.writeHead(302, { Location: `http://127.0.0.1:${fake.port}/api/system/info` }).end();
    });
    await expect(clientOf().info()).rejects.toMatchObject({ code: "AXEOS_STATUS" });
    expect(asked).toBe(1);
  });

  test("stops reading an answer without end", async () => {
    answering((_, response) => {
      const more = () => response.write("x".repeat(8_192), () => response.destroyed || setImmediate(more));
      more();
    });
    await expect(clientOf().info()).rejects.toMatchObject({ code: "AXEOS_SIZE" });
  });

  test("reads an answer that is just within the limit", async () => {
    const pad = "x".repeat(ANSWER_BYTES_MAX - '{"a":""}'.length);
    answering((_, response) => response.end(`{"a":"${pad}"}`));
    expect(await clientOf().info()).toEqual({ a: pad });
  });

  test("gives up an answer that never comes, or comes byte by byte", async () => {
    answering(() => {});
    await expect(clientOf({ deadlineMs: 50 }).info()).rejects.toMatchObject({ code: "AXEOS_DEADLINE" });
    answering((_, response) => {
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    });
    await expect(clientOf({ deadlineMs: 100 }).info()).rejects.toMatchObject({ code: "AXEOS_DEADLINE" });
  });

  test("gives up when the caller does, for the caller's reason", async () => {
    answering(() => {});
    const reason = new Error("enough");
    await expect(clientOf().info({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("says that nobody answers", async () => {
    const { port } = fake;
    await fake.close();
    await expect(clientAt(port).info()).rejects.toMatchObject({ code: "AXEOS_UNREACHABLE" });
    fake = await FakeAxeos.start({});
  });

  test("refuses what is no HTTP and no JSON", async () => {
    answering((request) => request.socket.end("SSH-2.0-OpenSSH_9.9\r\n"));
    await expect(clientOf().info()).rejects.toMatchObject({ code: "AXEOS_UNREACHABLE" });
    answering((_, response) => response.end("<html>"));
    await expect(clientOf().info()).rejects.toMatchObject({ code: "AXEOS_REPLY" });
  });
});

describe("a local address", () => {
  test.each([
    "10.1.2.3",
    "172.31.255.1",
    "192.168.0.9",
    "169.254.3.3",
    "127.0.0.1",
    "::1",
    "fe80::1",
    "fd00::9",
    "::ffff:10.0.0.1",
  ])("is %s", (address) => expect(isLocalAddress(address)).toBe(true));
  test.each(["8.8.8.8", "172.32.0.1", "192.169.0.1", "2001:db8::1", "::ffff:8.8.8.8", "lv06.local", "", "0.0.0.0"])(
    "is not %s",
    (address) => expect(isLocalAddress(address)).toBe(false),
  );
});
