import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { type Endpoint, parseEndpoint, showEndpoint } from "../endpoint.ts";
import { poolAsSeenBy, routeTo } from "./reach.ts";

const LAN = { local: "192.168.1.20", remote: "192.168.1.57" } as const;
const seen = (listen: string, route = LAN as { local: string; remote: string }, advertise: Endpoint | null = null) =>
  poolAsSeenBy({ listen: parseEndpoint(listen) ?? { host: "", port: 0 }, advertise, route });

test("an address is read and shown again, with brackets around IPv6", () => {
  for (const text of ["127.0.0.1:3333", "pool.local:1", "[fd00::1]:65535"]) {
    expect(showEndpoint(parseEndpoint(text) ?? { host: "", port: 0 })).toBe(text);
  }
  for (const text of ["pool.local", "pool.local:0", "pool.local:65536", "fd00::1:3333", "[pool]:3333", ""]) {
    expect(parseEndpoint(text)).toBeUndefined();
  }
});

test("a miner is told what was asked for, before anything else", () => {
  expect(seen("127.0.0.1:3333", LAN, { host: "gate.local", port: 13333 })).toEqual({ host: "gate.local", port: 13333 });
});

test("a miner is told the address where the pool listens, also from another network", () => {
  expect(seen("10.0.0.1:3333")).toEqual({ host: "10.0.0.1", port: 3333 });
});

test("of a pool that listens everywhere a miner is told the address that it is reached from", () => {
  expect(seen("0.0.0.0:3333")).toEqual({ host: "192.168.1.20", port: 3333 });
  expect(seen("[::]:3333")).toEqual({ host: "192.168.1.20", port: 3333 });
  const v6 = { local: "fe80::1", remote: "fe80::2" };
  expect(() => seen("[::]:3333", v6)).toThrow(/PAIR_ADVERTISE/);
});

test.each(["127.0.0.1:3333", "127.1.2.3:3333", "localhost:3333", "[::1]:3333"])(
  "a pool on %s is of no use to a miner elsewhere",
  (listen) => {
    expect(() => seen(listen)).toThrow(/PAIR_LOOPBACK/);
  },
);

test("a pool on loopback serves a miner on this computer", () => {
  expect(seen("127.0.0.1:3333", { local: "127.0.0.1", remote: "127.0.0.1" })).toEqual({
    host: "127.0.0.1",
    port: 3333,
  });
});

test("the route to a miner has both ends, and none leads to a closed port", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  expect(await routeTo("localhost", port)).toEqual({ local: "127.0.0.1", remote: "127.0.0.1" });
  await new Promise((done) => server.close(done));
  await expect(routeTo("127.0.0.1", port)).rejects.toMatchObject({ code: "AXEOS_UNREACHABLE" });
});
