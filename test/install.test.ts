/**
 * `scripts/install` into folders of its own: laid out with DESTDIR, and as a service with stand-ins for systemctl and npm.
 * Packages are not downloaded: the checkout's own stand in for them.
 */
import { execFile } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir, userInfo } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../host/config/load.ts";
import { missingPrograms } from "../host/device/testing/firmware.ts";

const ROOT = resolve(import.meta.dirname, "..");
const INSTALL = join(ROOT, "scripts/install");
const SLOW_MS = 240_000;
const SECRETS = ["mqtt.password", "mqtt.username", "privacy.siteKey", "store.encryptionKey"];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-install-"));
  program("npm", `ln -s ${ROOT}/node_modules node_modules`);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A stand-in on the PATH. */
function program(name: string, script: string): void {
  mkdirSync(join(folder, "programs"), { recursive: true });
  writeFileSync(join(folder, "programs", name), `#!/bin/sh\nset -e\n${script}\n`, { mode: 0o755 });
}

async function ran(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_"));
  const path = `${join(folder, "programs")}:${process.env.PATH}`;
  try {
    const options = { env: { ...Object.fromEntries(own), PATH: path, ...env }, cwd: folder };
    return { code: 0, ...(await promisify(execFile)(file, [...args], options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("with DESTDIR", () => {
  const dest = () => join(folder, "dest");
  const install = (what: string, more: Readonly<Record<string, string>> = {}) =>
    ran(INSTALL, [what], { DESTDIR: dest(), ...more });
  const at = (path: string) => join(dest(), path);

  test("an installed copy answers, an upgrade changes only what is its own, and uninstalling leaves what is the site's", {
    timeout: SLOW_MS,
  }, async () => {
    // Nothing of this machine is touched.
    for (const name of ["systemctl", "useradd", "udevadm", "chown"]) program(name, `echo ${name} >> ${folder}/touched`);
    expect(await install("install")).toMatchObject({ code: 0, stderr: "" });

    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    const lv06 = at("opt/lv06/current/lv06");
    expect(await ran(lv06, ["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
    const env = { LV06_CONFIG: at("etc/lv06/lv06.yaml"), LV06_DATA_DIR: at("var/lib/lv06") };
    const doctor = await ran(lv06, ["doctor", "--offline", "--json"], env);
    expect(doctor).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
    expect(await ran(lv06, ["check-config"], env)).toMatchObject({ code: 0 });

    expect(readdirSync(at("etc/lv06/credentials")).sort()).toEqual(SECRETS);
    const modes = ["etc/lv06/credentials", "etc/lv06/credentials/mqtt.password", "etc/lv06/lv06.yaml", "var/lib/lv06"];
    expect(modes.map((path) => modeOf(at(path)))).toEqual(["750", "640", "644", "700"]);
    const release = readlinkSync(at("opt/lv06/current"));
    expect(release).toMatch(new RegExp(`^releases/${version}-\\d{8}T\\d{6}Z$`));
    expect(readdirSync(at(`opt/lv06/${release}`))).not.toContain("test");

    expect(await install("install")).toMatchObject({ code: 1, stderr: expect.stringContaining("make upgrade") });
    writeFileSync(at("etc/lv06/lv06.yaml"), "site: ours\n");
    writeFileSync(at("etc/lv06/credentials/mqtt.password"), "hunter2\n");
    writeFileSync(at("etc/systemd/system/lv06.service"), "old");
    // As one that was cut short leaves it: half a release, which nobody would ever remove.
    mkdirSync(at("opt/lv06/releases/.0.0.9-20260101T000000Z"));
    expect(await install("upgrade")).toMatchObject({ code: 0, stderr: "" });
    expect(readlinkSync(at("opt/lv06/current"))).not.toBe(release);
    expect(readdirSync(at("opt/lv06/releases")).filter((name) => name.startsWith("."))).toEqual([]);
    expect(readFileSync(at("etc/lv06/lv06.yaml"), "utf8")).toBe("site: ours\n");
    expect(readFileSync(at("etc/lv06/credentials/mqtt.password"), "utf8")).toBe("hunter2\n");
    expect(readFileSync(at("etc/systemd/system/lv06.service"), "utf8")).toContain(
      "ExecStart=/opt/lv06/current/lv06 run",
    );

    // As `systemctl edit` leaves one.
    const dropIn = "etc/systemd/system/lv06.service.d/override.conf";
    mkdirSync(dirname(at(dropIn)));
    writeFileSync(at(dropIn), "[Service]\n");
    expect(await install("uninstall")).toMatchObject({ code: 0, stderr: "" });
    const left = readdirSync(dest(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(left.map(({ parentPath, name }) => relative(dest(), join(parentPath, name))).sort()).toEqual(
      [...SECRETS.map((name) => `etc/lv06/credentials/${name}`), "etc/lv06/lv06.yaml", dropIn].sort(),
    );
    expect(await install("uninstall", { PURGE: "1" })).toMatchObject({ code: 0 });
    const ours = ["etc/lv06", "var/lib/lv06", dirname(dropIn)];
    expect(ours.filter((path) => existsSync(at(path)))).toEqual([]);
    expect(existsSync(join(folder, "touched"))).toBe(false);
  });

  test("a release that does not start leaves nothing behind", { timeout: SLOW_MS }, async () => {
    program("npm", "mkdir node_modules");
    const { code, stderr } = await install("install");
    expect(code).not.toBe(0);
    expect(stderr).not.toBe("");
    expect(existsSync(at("opt/lv06/current"))).toBe(false);
    expect(readdirSync(at("opt/lv06/releases"))).toEqual([]);
  });

  test.each(["/", "relative", "/with space", "/opt/../etc"])("%j is no folder to install to", async (PREFIX) => {
    expect(await install("install", { PREFIX })).toMatchObject({ code: 1, stdout: "" });
    expect(await install("uninstall", { PREFIX })).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("as a service", () => {
  const RISING = "echo x >> restarts; wc -l < restarts";
  const names = ["PREFIX", "BINDIR", "ETC", "STATE", "UNITS", "RULES"];
  const folders = () => Object.fromEntries(names.map((name) => [name, join(folder, "own", name.toLowerCase())]));
  const install = (what: string, more: Readonly<Record<string, string>> = {}) =>
    ran(INSTALL, [what], { ...folders(), SERVICE_USER: userInfo().username, PROVE_S: "2", ...more });
  const current = () => readlinkSync(join(folder, "own/prefix/current"));
  const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");

  const back = (name: string) =>
    ran(INSTALL, ["back", name], { ...folders(), SERVICE_USER: userInfo().username, PROVE_S: "2" });
  const systemFiles = ["lv06.service", "60-lv06.rules", "lv06"];
  /** Which of the files in place are those of the release that was marked. */
  const ownFiles = () =>
    ["units/lv06.service", "rules/60-lv06.rules", "bindir/lv06"].map((path) =>
      readFileSync(join(folder, "own", path), "utf8").endsWith("# marked\n"),
    );

  /** @param restarts lines of shell that print how often the service was restarted */
  function systemd(restarts: string, state = "active"): void {
    const answers = `case $1 in show) ${restarts} ;; is-active) echo ${state} ;; esac`;
    program(
      "systemctl",
      `case $1 in is-active | show | --quiet) ;; *) echo "$*" >> ${folder}/asked ;; esac\n${answers}`,
    );
    program("udevadm", "");
    program("usermod", `echo usermod "$*" >> ${folder}/users`);
  }
  const users = () => readFileSync(join(folder, "users"), "utf8").trim().split("\n");

  test("it is enabled, restarted by an upgrade, and taken back where the new one does not stay up", {
    timeout: SLOW_MS,
  }, async () => {
    systemd("echo 0");
    expect(await install("install")).toMatchObject({ code: 0 });
    expect(asked()).toEqual(["daemon-reload", "enable lv06"]);
    const unit = readFileSync(join(folder, "own/units/lv06.service"), "utf8");
    expect(unit).toContain(`ExecStart=${folder}/own/prefix/current/lv06 run`);
    expect(unit).not.toMatch(/[=:]\/(opt|etc|var)\//);
    expect(unit).toContain(`\nReadWritePaths=${folder}/own/state\n`);
    const first = current();

    expect(await install("upgrade")).toMatchObject({ code: 0 });
    expect(asked()).toContain("restart --no-block lv06");
    const second = current();
    expect(second).not.toBe(first);

    for (const file of systemFiles) appendFileSync(join(folder, "own/prefix", second, "packaging", file), "# marked\n");
    systemd(`case $(readlink ${folder}/own/prefix/current) in ${second}) echo 0 ;; *) ${RISING} ;; esac`);
    const failed = await install("upgrade");
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("is in use again and runs") });
    expect(failed.stdout).not.toContain("STORE_NEWER");
    expect(current()).toBe(second);
    expect(ownFiles()).toEqual([true, true, true]);
    expect(asked().slice(-2)).toEqual(["daemon-reload", "restart --no-block lv06"]);
    // Each time: an installation of before may lack it.
    expect(users()).toEqual(Array(3).fill(`usermod -aG dialout ${userInfo().username}`));

    expect(await install("uninstall")).toMatchObject({ code: 0 });
    expect(asked()).toContain("disable --now lv06");
    expect(readdirSync(join(folder, "own/units"))).toEqual([]);
  });

  test("the way back says whether the release runs, and whether it knows the results", {
    timeout: SLOW_MS,
  }, async () => {
    systemd("echo 0");
    expect(await install("install")).toMatchObject({ code: 0 });
    const first = current().slice("releases/".length);
    for (const file of systemFiles)
      appendFileSync(join(folder, "own/prefix", current(), "packaging", file), "# marked\n");
    expect(await install("upgrade")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`install back ${first}`),
    });
    expect(ownFiles()).toEqual([false, false, false]);

    for (const name of ["", "../releases", "no-such", ".hidden"]) {
      const refused = await ran(INSTALL, ["back", name], { ...folders() });
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(first) });
    }
    expect(await back(first)).toMatchObject({ code: 0, stdout: expect.stringMatching(/and runs\n$/) });
    expect(current()).toBe(`releases/${first}`);
    expect(ownFiles()).toEqual([true, true, true]);

    for (const key of ["store.encryptionKey", "privacy.siteKey"]) {
      writeFileSync(
        join(folder, "own/etc/credentials", key),
        `${Buffer.from([...Array(32).keys()]).toString("hex")}\n`,
      );
    }
    const results = join(folder, "own/state/results.db");
    const db = new DatabaseSync(results);
    db.exec("PRAGMA user_version = 99; CREATE TABLE later (x)");
    db.close();
    systemd(RISING);
    const stuck = await back(first);
    expect(stuck).toMatchObject({ code: 1, stderr: expect.stringContaining("does not stay up") });
    expect(stuck.stdout).toContain("STORE_NEWER");
    expect(stuck.stdout).toContain("no copy");
    for (let version = 1; version < 99; version++) writeFileSync(`${results}.v${version}`, "");
    expect((await back(first)).stdout).toMatch(/before the upgrade: .*\/own\/state\/results\.db\.v\d;/);

    systemd("echo 0", "inactive");
    expect(await back(first)).toMatchObject({ code: 0, stdout: expect.stringContaining("is not started") });
  });

  test("an interrupted installation is done anew", { timeout: SLOW_MS }, async () => {
    systemd("echo 0");
    program("systemctl", "false");
    expect((await install("install")).code).not.toBe(0);
    systemd("echo 0");
    expect(await install("install")).toMatchObject({ code: 0, stderr: "" });
    expect(asked()).toContain("enable lv06");
  });

  test.each([
    ["is made as a member of the group of the serial ports", "", "--groups dialout "],
    ["is made without that group where there is none", "exit 2", ""],
  ])("the user %s", { timeout: SLOW_MS }, async (_, group, options) => {
    systemd("echo 0");
    program("getent", `[ "$*" = "group dialout" ]\n${group}`);
    program("useradd", `echo useradd "$*" >> ${folder}/users`);
    program("chown", "");
    expect(await install("install", { SERVICE_USER: "lv06-nobody" })).toMatchObject({ code: 0, stderr: "" });
    expect(users()).toEqual([
      expect.stringMatching(`^useradd --system --user-group ${options}--home-dir .* lv06-nobody$`),
    ]);
  });
});

const missing = missingPrograms("systemd-analyze");
test.skipIf(missing.length > 0)(
  `systemd takes the unit${missing.length > 0 ? " (not run: no systemd-analyze)" : ""}`,
  async () => {
    // What the unit needs of this machine is left out: program, user, credentials.
    const text = readFileSync(join(ROOT, "packaging/lv06.service"), "utf8");
    const own = text.replaceAll("/opt/lv06/current/lv06", "/bin/true").replace(/^(User|Group)=lv06$/gm, "$1=root");
    writeFileSync(join(folder, "lv06.service"), own);
    const { code, stdout, stderr } = await ran("systemd-analyze", ["verify", "--man=no", join(folder, "lv06.service")]);
    const words = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("lv06.service"));
    expect({ code, words }).toEqual({ code: 0, words: [] });
  },
);

test("the unit denies no adapter that is first plugged in while the service runs", () => {
  const unit = readFileSync(join(ROOT, "packaging/lv06.service"), "utf8");
  // Each makes systemd keep a list of devices, of what is known as the service starts; ProtectClock in older versions.
  expect(unit.match(/^(DevicePolicy|DeviceAllow|PrivateDevices|ProtectClock)=.*$/gm)).toBeNull();
});

test("what the installed settings suggest is taken as it stands", () => {
  const file = join(folder, "lv06.yaml");
  const text = readFileSync(join(ROOT, "packaging/lv06.yaml"), "utf8");
  writeFileSync(file, text.replace(/^ {2}# (?=[a-zA-Z]+: \S+$)/gm, "  "));
  const { mqtt } = loadConfig({ file, env: {}, cwd: folder, installDir: folder }).config;
  expect(mqtt).toMatchObject({
    url: "mqtts://broker.example:8883",
    caFile: "/etc/lv06/ca.crt",
    certFile: "/etc/lv06/clinic.box-1.crt",
    keyFile: "/etc/lv06/clinic.box-1.key",
  });
});

test("the udev rules know every adapter that the appliance knows", () => {
  const rules = readFileSync(join(ROOT, "packaging/60-lv06.rules"), "utf8");
  const known = [
    ...readFileSync(join(ROOT, "host/device/usb/find.ts"), "utf8").matchAll(/"([0-9a-f]{4}):([0-9a-f]{4})"/g),
  ];
  expect(known.length).toBeGreaterThan(5);
  for (const [, vendor, product] of known) {
    const lines = rules.split("\n").filter((line) => line.includes(`=="${vendor}"`) && line.includes(product ?? ""));
    expect(lines, `${vendor}:${product}`).toHaveLength(2);
  }
});

test("what is installed needs only packages that are installed with it", () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: object };
  const files = readdirSync(join(ROOT, "host"), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !/\.test\.ts$|(^|\/)testing\//.test(name),
  );
  const used = files.flatMap((name) =>
    [
      ...readFileSync(join(ROOT, "host", name), "utf8").matchAll(
        /^(?:import|export)(?! type)[^"';]*?\bfrom "([^."][^"]*)";$/gm,
      ),
    ].map(([, specifier = ""]) => specifier),
  );
  const names = used.map((specifier) =>
    specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/"),
  );
  const foreign = names.filter((name) => !name.startsWith("node:") && !builtinModules.includes(name));
  expect(foreign).toContain("zod");
  expect([...new Set(foreign)].filter((name) => !(name in dependencies))).toEqual([]);
});
