/**
 * `scripts/install` into folders of its own: laid out with DESTDIR, and as a service with stand-ins for systemctl and npm.
 * Packages are not downloaded: the checkout's own stand in for them.
 */
import { execFile } from "node:child_process";
import {
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
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
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
    expect(await install("upgrade")).toMatchObject({ code: 0, stderr: "" });
    expect(readlinkSync(at("opt/lv06/current"))).not.toBe(release);
    expect(readFileSync(at("etc/lv06/lv06.yaml"), "utf8")).toBe("site: ours\n");
    expect(readFileSync(at("etc/lv06/credentials/mqtt.password"), "utf8")).toBe("hunter2\n");
    expect(readFileSync(at("etc/systemd/system/lv06.service"), "utf8")).toContain(
      "ExecStart=/opt/lv06/current/lv06 run",
    );

    expect(await install("uninstall")).toMatchObject({ code: 0, stderr: "" });
    const left = readdirSync(dest(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(left.map(({ parentPath, name }) => relative(dest(), join(parentPath, name))).sort()).toEqual(
      [...SECRETS.map((name) => `etc/lv06/credentials/${name}`), "etc/lv06/lv06.yaml"].sort(),
    );
    expect(await install("uninstall", { PURGE: "1" })).toMatchObject({ code: 0 });
    expect(existsSync(at("etc/lv06")) || existsSync(at("var/lib/lv06"))).toBe(false);
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
  const names = ["PREFIX", "BINDIR", "ETC", "STATE", "UNITS", "RULES"];
  const folders = () => Object.fromEntries(names.map((name) => [name, join(folder, "own", name.toLowerCase())]));
  const install = (what: string) =>
    ran(INSTALL, [what], { ...folders(), SERVICE_USER: userInfo().username, PROVE_S: "2" });
  const current = () => readlinkSync(join(folder, "own/prefix/current"));
  const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");

  /** @param restarts lines of shell that print how often the service was restarted */
  function systemd(restarts: string): void {
    program("systemctl", `echo "$*" >> ${folder}/asked\ncase $1 in show) ${restarts} ;; esac`);
    program("udevadm", "");
  }

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
    expect(asked()).toContain("restart lv06");
    const second = current();
    expect(second).not.toBe(first);

    systemd(`echo x >> ${folder}/restarts; wc -l < ${folder}/restarts`);
    const failed = await install("upgrade");
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("is in use again") });
    expect(current()).toBe(second);
    expect(asked().slice(-1)).toEqual(["restart lv06"]);

    expect(await install("uninstall")).toMatchObject({ code: 0 });
    expect(asked()).toContain("disable --now lv06");
    expect(readdirSync(join(folder, "own/units"))).toEqual([]);
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
