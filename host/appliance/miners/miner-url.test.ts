import { expect, test } from "vitest";
import { errorCode } from "../../base/error.ts";
import { parseMiner, parseMiners } from "./miner-url.ts";

const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return errorCode(error);
  }
  return "none";
};

test("an entry names kind, worker, host and perhaps a port", () => {
  expect(parseMiner("axeos://lv06.a@lv06-a.local")).toEqual({ kind: "axeos", worker: "lv06.a", host: "lv06-a.local" });
  expect(parseMiner("s9://s9@10.0.0.9:4029")).toEqual({ kind: "s9", worker: "s9", host: "10.0.0.9", port: 4029 });
  expect(parseMiner("axeos://a:b/c@[fe80::6%eth0]:80")).toEqual({
    kind: "axeos",
    worker: "a:b/c",
    host: "fe80::6%eth0",
    port: 80,
  });
});

test.each([
  "http://a@10.0.0.6",
  "axeos://10.0.0.6",
  "axeos://a@",
  "axeos://a@10.0.0.6:0",
  "axeos://a@10.0.0.6:65536",
  "axeos://a@10.0.0.6:80:80",
  "axeos://a@[10.0.0.6]",
  "axeos://a@fe80::1",
  "axeos://a@host/path",
  "s9://a@antminer.local",
  "axeos://a@8.8.8.8",
  "s9://a@203.0.113.9:4028",
  "axeos://a@[2001:db8::1]",
  "axeos://a@0.0.0.0",
  "",
])("%s names no miner", (entry) => {
  expect(codeOf(() => parseMiner(entry))).toBe("MINER_ADDRESS");
});

test("two miners with one worker name would be one miner at the pool", () => {
  expect(codeOf(() => parseMiners(["axeos://a@10.0.0.6", "s9://a@10.0.0.7"]))).toBe("MINER_TWICE");
  expect(parseMiners(["axeos://a@10.0.0.6", "s9://b@10.0.0.7"])).toHaveLength(2);
});
