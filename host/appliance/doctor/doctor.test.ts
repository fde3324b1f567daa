/** Each check against folders, files and ports of its own; the whole doctor is asked in test/cli.test.ts. */

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Environment } from "../../config/environment.ts";
import { KEYS } from "../../config/keys.ts";
import { loadConfig } from "../../config/load.ts";
import { buildModel, modelProgram } from "../../device/testing/firmware.ts";
import { startModel } from "../../device/usb/model-process.ts";
import { openSigningKey } from "../../seal/key-file.ts";
import { ResultStore } from "../../store/results.ts";
import { makeResult } from "../../store/testing/make-result.ts";
import { openSecrets } from "../secrets.ts";
import { DEVICE_EDGES, deviceChecks, poolCheck } from "./devices.ts";
import { encryptionChecks } from "./encryption.ts";
import { type Finding, looked } from "./finding.ts";
import { dataFolderCheck, diskOf, inboxCheck, remoteOf } from "./folders.ts";
import { keysCheck, secretsCheck } from "./keys.ts";
import { clockCheck, cpuCheck, serviceCheck, userCheck } from "./machine.ts";
import { storeCheck } from "./store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-doctor-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, text: string, mode = 0o600): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const load = (env: Environment, file: string | null = null) =>
  loadConfig({ file, env, cwd: folder, installDir: folder });
const brief = (findings: readonly Finding[]) => findings.map(({ verdict, code }) => [verdict, code].join(" ").trim());
const uid = process.getuid?.() ?? 0;
const isRoot = uid === 0;

test("every finding that is not well says what to do", () => {
  const bad = [userCheck(0), cpuCheck("x64", ""), diskOf("/", { bavail: 0, blocks: 1, bsize: 1 }, 1)];
  for (const { code, action } of bad) {
    expect(code).toMatch(/^DOCTOR_[A-Z_]+$/);
    expect(action).toMatch(/\.$|`\)?$/);
  }
});

test("a check that fails is a finding, with the code of what it met", async () => {
  const coded = await looked("x", () => {
    throw new RangeError("odd");
  });
  expect(coded).toMatchObject([{ check: "x", verdict: "wrong", code: "DOCTOR_NOT_RUN", detail: "odd (INTERNAL)" }]);
});

describe("the clock", () => {
  const NOW = Date.UTC(2026, 0, 2);
  const clock = (timesyncd: boolean | null, systemd: boolean | null, files: string[] = []) =>
    clockCheck({ nowMs: NOW, timesyncd: () => timesyncd, systemd: async () => systemd, files }).then((one) =>
      brief([one]).join(),
    );

  test.each([
    [true, null, "ok"],
    [null, true, "ok"],
    [false, true, "note DOCTOR_CLOCK_UNSYNCED"],
    [null, false, "note DOCTOR_CLOCK_UNSYNCED"],
    [null, null, "note DOCTOR_CLOCK_UNSYNCED"],
  ])("with timesyncd %s and systemd %s: %s", async (timesyncd, systemd, expected) => {
    expect(await clock(timesyncd, systemd)).toBe(expected);
  });

  test("is wrong where files are from the future, whatever keeps it", async () => {
    const file = put("package.json", "{}");
    utimesSync(file, NOW / 1000, NOW / 1000 + 60);
    expect(await clock(true, true, [file, join(folder, "gone")])).toBe("ok");
    utimesSync(file, NOW / 1000, NOW / 1000 + 86_400);
    expect(await clock(true, true, [file])).toBe("wrong DOCTOR_CLOCK_WRONG");
  });
});

test.each([
  ["x64", "model name\t: EPYC\nflags\t\t: fpu avx2 avx512_vnni\n", "ok", "EPYC: AVX2, VNNI"],
  ["x64", "model name\t: Atom\nflags\t\t: fpu sse4_2\n", "note DOCTOR_CPU_SLOW", "Atom: nothing known"],
  ["arm64", "Features\t: fp asimd asimddp\nModel\t\t: Raspberry Pi 5\n", "ok", "Raspberry Pi 5: NEON, dot product"],
  ["arm64", "Features\t: fp asimd\nModel\t\t: Raspberry Pi 4\n", "note DOCTOR_CPU_SLOW", "Raspberry Pi 4: NEON"],
])("of a CPU of %s is told what makes int8 fast", (arch, cpuinfo, expected, detail) => {
  const finding = cpuCheck(arch, cpuinfo);
  expect([brief([finding])[0], finding.detail.startsWith(detail)]).toEqual([expected, true]);
});

test("a service counts once it starts with the machine", () => {
  const unit = "etc/systemd/system/lv06.service";
  expect(brief([serviceCheck(folder)])).toEqual(["note DOCTOR_NO_SERVICE"]);
  put(unit, "");
  expect(serviceCheck(folder).detail).toContain("not enabled");
  mkdirSync(join(folder, "etc/systemd/system/multi-user.target.wants"));
  symlinkSync("../lv06.service", join(folder, "etc/systemd/system/multi-user.target.wants/lv06.service"));
  expect(brief([serviceCheck(folder)])).toEqual(["ok"]);
});

describe("the data folder", () => {
  test("that is not there is not made, and may be made", async () => {
    const path = join(folder, "a", "b");
    expect(brief(await dataFolderCheck(path, 1))).toEqual(["ok", "ok"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is noted where others may look in", async () => {
    chmodSync(folder, 0o755);
    expect(brief(await dataFolderCheck(folder, 1))).toEqual(["note DOCTOR_DATA_OPEN", "ok"]);
    chmodSync(folder, 0o700);
    expect(brief(await dataFolderCheck(folder, 1))).toEqual(["ok", "ok"]);
  });

  test("that is a file, or below one, is wrong", async () => {
    const file = put("file", "");
    expect(brief(await dataFolderCheck(join(file, "data"), 1))).toEqual(["wrong DOCTOR_DATA_ACCESS"]);
  });

  test("that this user may not write is wrong; root may, whatever its mode says", async () => {
    chmodSync(folder, 0o500);
    const [finding] = brief(await dataFolderCheck(folder, 1));
    chmodSync(folder, 0o700);
    expect(finding).toBe(isRoot ? "ok" : "wrong DOCTOR_DATA_ACCESS");
  });

  test("needs as much free as is configured", async () => {
    expect(brief(await dataFolderCheck(folder, 2 ** 60))[1]).toBe("wrong DOCTOR_DISK_LOW");
    const space = (mib: number) => diskOf("/d", { bavail: mib, blocks: 1024, bsize: 2 ** 20 }, 2 ** 29);
    expect(brief([512, 511, 1024].map(space))).toEqual(["note DOCTOR_DISK_LOW", "wrong DOCTOR_DISK_LOW", "ok"]);
    const { detail } = diskOf("/d", { bavail: 256, blocks: 1024, bsize: 2 ** 20 }, 2 ** 29);
    expect(detail).toBe("0.3 of 1.0 GiB free at /d, less than 512 MiB");
  });
});

describe("the inbox", () => {
  test("is tried by renaming, and nothing of it stays", async () => {
    for (const name of ["processed", "quarantine"]) mkdirSync(join(folder, name));
    expect(brief(await inboxCheck(folder))).toEqual(["ok"]);
    expect(["", "processed", "quarantine"].map((name) => readdirSync(join(folder, name)).length)).toEqual([2, 0, 0]);
  });

  test("with a link for one of its folders is wrong", async () => {
    symlinkSync(tmpdir(), join(folder, "processed"));
    expect(brief(await inboxCheck(folder))).toEqual(["wrong DOCTOR_INBOX_RENAME"]);
  });

  test("on a network file system is noted by the system's number for it", () => {
    // statfs gives CIFS's as a negative number where it has 32 bits.
    expect([0x6969, 0xff534d42 | 0, 0xef53].map(remoteOf)).toEqual(["NFS", "CIFS", undefined]);
  });
});

describe("the store", () => {
  test("that is not there yet is well", () =>
    expect(storeCheck(join(folder, "results.db")).map(({ verdict }) => verdict)).toEqual(["ok"]));

  test("that is whole says so, and which damaged ones lie beside it", () => {
    const { vault } = openSecrets(load({ LV06_DATA_DIR: folder }).config, randomBytes);
    const path = join(folder, "results.db");
    new ResultStore({ path, vault, utcMs: () => 1 }).close();
    expect(brief(storeCheck(path))).toEqual(["ok"]);
    put("results.db.damaged-20260930T101500Z", "");
    put("results.db.damaged-20260930T101500Z-wal", "");
    const found = storeCheck(path);
    expect(brief(found)).toEqual(["ok", "note DOCTOR_STORE_ASIDE"]);
    expect(found[1]?.detail).toMatch(/: results\.db\.damaged-20260930T101500Z$/);
  });

  test.each([
    ["is empty", ""],
    ["is no database", "x".repeat(5000)],
  ])("that %s is damaged", async (_, text) => {
    const path = put("results.db", text);
    expect(await looked("store", () => storeCheck(path))).toMatchObject([{ verdict: "wrong", code: "STORE_DAMAGED" }]);
  });
});

describe("keys", () => {
  test("are for the owner alone", () => {
    const keys = join(folder, "keys");
    expect(brief(keysCheck(keys, uid))).toEqual(["ok"]);
    const { publicKey } = openSigningKey({ folder: keys, randomSeed: () => Buffer.alloc(32, 7) });
    expect(keysCheck(keys, uid)[0]?.detail).toContain(publicKey.toString("hex"));
    chmodSync(join(keys, "signing-key.pem"), 0o640);
    chmodSync(keys, 0o750);
    const found = keysCheck(keys, uid);
    expect(brief(found)).toEqual(["wrong DOCTOR_KEY_PERMISSIONS", "wrong DOCTOR_KEY_PERMISSIONS"]);
    expect(found[1]?.detail).toMatch(/signing-key\.pem has mode 640$/);
  });

  test("of another user, or behind a link, are wrong", () => {
    put("keys/a", "");
    symlinkSync("a", join(folder, "keys", "b"));
    chmodSync(join(folder, "keys"), 0o700);
    expect(keysCheck(join(folder, "keys"), uid).map(({ detail }) => detail.split(" ").slice(1).join(" "))).toEqual([
      "is a symbolic link",
    ]);
    expect(keysCheck(join(folder, "keys"), uid + 1)[0]?.detail).toContain(`belongs to user ${uid}`);
  });

  test("a signing key that is none is named by its own code", async () => {
    put("keys/signing-key.pem", "nothing");
    chmodSync(join(folder, "keys"), 0o700);
    const found = await looked("keys", () => keysCheck(join(folder, "keys"), uid));
    expect(brief(found)).toEqual(["wrong SEAL_KEY_DAMAGED"]);
  });
});

describe("encryption", () => {
  const config = (env: Environment = {}) => load({ LV06_DATA_DIR: folder, ...env }).config;
  const [one, other] = ["0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4)];
  const store = async (key: string) => {
    const { vault } = openSecrets(config({ LV06_STORE_ENCRYPTION_KEY: key }), randomBytes);
    const made = new ResultStore({ path: join(folder, "results.db"), utcMs: () => 1, vault });
    await made.append(makeResult);
    made.close();
  };
  const checked = (env?: Environment) => looked("encryption", () => encryptionChecks(config(env))).then(brief);

  test("has keys of its own, which are noted for lying beside what they encrypt", async () => {
    expect(await checked()).toEqual(["ok"]);
    openSecrets(config(), randomBytes);
    expect(await checked()).toEqual(["note DOCTOR_KEY_BESIDE"]);
  });

  test("with the key of the configuration opens the store, and with another does not", async () => {
    await store(one);
    expect(await checked({ LV06_STORE_ENCRYPTION_KEY: one })).toEqual(["ok"]);
    expect(await checked({ LV06_STORE_ENCRYPTION_KEY: `${other}\n${one}` })).toEqual(["ok"]);
    expect(await checked({ LV06_STORE_ENCRYPTION_KEY: other })).toEqual(["ok", "wrong VAULT_KEY_UNKNOWN"]);
  });

  test("without its key is wrong where results are stored already", async () => {
    await store(one);
    expect(await checked()).toEqual(["wrong VAULT_KEY_MISSING"]);
  });
});

describe("secrets", () => {
  const secrets = KEYS.filter(({ secret }) => secret);
  const secretsOf = (env: Environment, file: string | null = null) =>
    secretsCheck(load(env, file), secrets, env, folder);

  test("are noted where others can read the file in which they stand", () => {
    const yaml = put("lv06.yaml", "mqtt: {password: hunter2}\n", 0o644);
    const found = secretsOf({}, yaml);
    expect(brief(found)).toEqual(["note DOCTOR_SECRET_OPEN"]);
    expect(found[0]?.detail).toMatch(/^mqtt\.password stands in .*lv06\.yaml/);
    expect(JSON.stringify(found)).not.toContain("hunter2");
    chmodSync(yaml, 0o600);
    expect(brief(secretsOf({}, yaml))).toEqual(["ok"]);
  });

  test("in a file that a variable names are noted too, and so is the key of the certificate", () => {
    put("pw", "hunter2", 0o644);
    put("k.pem", "", 0o644);
    const found = secretsOf({ LV06_MQTT_PASSWORD_FILE: "pw", LV06_MQTT_KEY_FILE: "k.pem", LV06_MQTT_USERNAME: "u" });
    expect(found.map(({ detail }) => detail.split(" ").slice(0, 1).join())).toEqual(["mqtt.password", "mqtt.keyFile"]);
  });

  test("among the credentials are noted too", () => {
    const CREDENTIALS_DIRECTORY = dirname(put("credentials/mqtt.password", "hunter2", 0o644));
    expect(brief(secretsOf({ CREDENTIALS_DIRECTORY }))).toEqual(["note DOCTOR_SECRET_OPEN"]);
    put("credentials/mqtt.password", "hunter2", 0o640);
    expect(brief(secretsOf({ CREDENTIALS_DIRECTORY }))).toEqual(["ok"]);
  });

  test("of no file at all are well, though the configuration is for everybody", () => {
    expect(brief(secretsOf({}, put("lv06.yaml", "site: a\n", 0o644)))).toEqual(["ok"]);
  });
});

describe("the device", () => {
  const edges = { ...DEVICE_EDGES, ports: async () => [] as { path: string }[], rules: [] };
  const roots = () => ({ proc: join(folder, "proc"), sys: join(folder, "sys") });
  const device = (env: Environment, more: object = {}) =>
    deviceChecks(load(env).config, { ...edges, roots: roots(), ...more });

  test("need not be there", async () => {
    expect(brief(await device({}))).toEqual(["note DOCTOR_NO_DEVICE"]);
    expect(brief(await device({ LV06_DEVICE_STRATUM_LISTEN: "127.0.0.1:3333" }))).toEqual(["ok"]);
  });

  test("that is configured has to be", async () => {
    const absent = ["wrong DOCTOR_PORT_ABSENT"];
    expect(brief(await device({ LV06_DEVICE_USB_PATH: "auto" }))).toEqual(absent);
    expect(brief(await device({ LV06_DEVICE_USB_ID: "x" }))).toEqual(absent);
    expect(brief(await device({ LV06_DEVICE_USB_PATH: "gone" })).slice(0, 1)).toEqual(absent);
    expect(brief(await device({ LV06_DEVICE_USB_PATH: put("plain", "") }))[0]).toBe("wrong DOCTOR_PORT_KIND");
  });

  test("at a port that this user may not use is told with the port's group", async () => {
    const may = () => Promise.reject(new Error("EACCES"));
    const [found] = await device({ LV06_DEVICE_USB_PATH: "/dev/null" }, { may });
    expect(found).toMatchObject({ code: "DOCTOR_PORT_PERMISSION", detail: expect.stringContaining("group root") });
    expect(found?.action).toContain("usermod -aG");
  });

  test("at a real terminal may be used; who else speaks to ports is named", async () => {
    await buildModel();
    const model = await startModel({ program: modelProgram });
    try {
      put("proc/17/comm", "ModemManager\n");
      const found = await device({ LV06_DEVICE_USB_PATH: model.path });
      expect(brief(found)).toEqual(["ok", "note DOCTOR_MEDDLER", "ok"]);
      expect(found[1]?.action).toContain("ID_MM_DEVICE_IGNORE");
      const rules = [put("60-lv06.rules", "")];
      expect(brief(await device({ LV06_DEVICE_USB_PATH: model.path }, { rules }))).toEqual(["ok", "ok", "ok"]);
    } finally {
      await model.stop();
    }
  });
});

test("the pool listens at an address of this machine", () => {
  const pool = (listen: string) =>
    brief(poolCheck(load(listen === "" ? {} : { LV06_DEVICE_STRATUM_LISTEN: listen }).config, ["192.168.60.1"])).join();
  expect(["", "192.168.60.1:3333", "0.0.0.0:3333", "192.168.60.2:3333"].map(pool)).toEqual([
    "",
    "ok",
    "ok",
    "wrong DOCTOR_POOL_ADDRESS",
  ]);
});
