/**
 * Passwords, keys and a patient's name are planted everywhere that the appliance takes them in; then all that it says
 * and leaves is searched for them: its log, every topic and payload at a real broker, what the command line prints, and
 * every file below its data folder.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Pseudonyms } from "../host/base/pseudonym.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "../host/mqtt/testing/mosquitto.ts";
import { type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS } from "./demo/films.ts";

const ROOT = resolve(import.meta.dirname, "..");
const WAIT_MS = 120_000;
const TEST_MS = 400_000;

const USER = "planted-user-7f3a";
const PASSWORD = "planted-password-91c2";
const ENCRYPTION_KEY = "5ec2e7".repeat(10).concat("a1b2");
const SITE_KEY = "c0ffee".repeat(10).concat("b3c4");
const SECRETS = [USER, PASSWORD, ENCRYPTION_KEY, SITE_KEY];
/** In every file's name, and what nobody may say of a film. */
const PATIENT = ["MUELLER-HANS", "PatientName", "19610304"];
const FILM = "MUELLER-HANS-19610304.jpeg";
const FILM_WITH_SIDECAR = "MUELLER-HANS-2.jpeg";
const REFUSED = 5;

/** As text, as raw bytes of a key, and as base64 has them. */
const forms = (text: string): readonly Buffer[] => {
  const raw = /^[0-9a-f]{64}$/.test(text) ? [Buffer.from(text, "hex")] : [];
  return [Buffer.from(text), ...raw, ...raw.map((bytes) => Buffer.from(bytes.toString("base64").slice(0, 42)))];
};
const foundIn = (bytes: Uint8Array | string, words: readonly string[]): readonly string[] => {
  const all = Buffer.from(bytes);
  return words.filter((word) => forms(word).some((form) => all.includes(form)));
};

let folder = "";
let broker: Mosquitto;
let appliance: RunningAppliance;
let client: MqttClient;
/** Topic, payload and properties of every packet. */
const packets: { readonly topic: string; readonly text: string }[] = [];
const ofKind = (kind: string) => packets.filter(({ topic }) => topic.endsWith(`/${kind}`)).map(({ text }) => text);

async function startBroker(): Promise<Mosquitto> {
  const own = mkdtempSync(join(tmpdir(), "mosquitto-"));
  const env = { ...process.env, PATH: [process.env.PATH, "/usr/sbin"].join(delimiter) };
  spawnSync("mosquitto_passwd", ["-c", "-b", join(own, "passwd"), USER, PASSWORD], { env });
  const lines = ["listener PORT 127.0.0.1", "allow_anonymous false", "password_file FOLDER/passwd", "log_type none"];
  return Mosquitto.configured(lines, {}, own);
}

async function listen(): Promise<MqttClient> {
  const listening = await connectAsync(broker.url, { protocolVersion: 5, username: USER, password: PASSWORD });
  listening.on("message", (topic, payload, { properties }) => {
    packets.push({ topic, text: `${payload.toString("latin1")} ${JSON.stringify(properties ?? null)}` });
  });
  await listening.subscribeAsync("#", { qos: 1 });
  return listening;
}

const settings = () => `site: demo
appliance: lv06-demo
dataDir: data
mode: validation
log: { level: trace }
ingest: { settleMs: 0, maxFileBytes: 1000000, allowedDirs: [films] }
model: { dir: ${join(ROOT, "host/inference/fixtures/tiny")} }
device: { usb: { path: /dev/serial/by-id/not-there } }
mqtt: { url: "${broker.url}", username: ${USER}, password: ${PASSWORD}, healthIntervalS: 1 }
store: { encryptionKey: "${ENCRYPTION_KEY}" }
privacy: { siteKey: "${SITE_KEY}" }
`;

function put(name: string, source: string): void {
  copyFileSync(source, join(appliance.inbox, ".on-its-way"));
  renameSync(join(appliance.inbox, ".on-its-way"), join(appliance.inbox, name));
}

/** Good films, and one of each kind that is refused; every one is named after a patient. */
function putAll(): void {
  const [first, second] = FILMS.map(({ path }) => path) as [string, string];
  const { inbox } = appliance;
  writeFileSync(join(inbox, `${FILM_WITH_SIDECAR}.json`), '{"age": 4, "view": "AP"}');
  put(FILM_WITH_SIDECAR, second);
  put(FILM, first);
  writeFileSync(join(inbox, "MUELLER-HANS-3.png"), "no image");
  writeFileSync(join(inbox, "MUELLER-HANS-4.png"), Buffer.alloc(1_000_001));
  symlinkSync("/etc/hostname", join(inbox, "MUELLER-HANS-5.png"));
  mkdirSync(join(inbox, "MUELLER-HANS-6.png"));
  writeFileSync(join(inbox, "MUELLER-HANS-7.jpeg.json"), '{"PatientName": "MUELLER-HANS", "age": "19610304"}');
  put("MUELLER-HANS-7.jpeg", first);
}

interface Said {
  readonly code: number | null;
  readonly text: string;
}

function lv06(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE");
  const child = spawn(join(ROOT, "lv06"), ["--config", join(folder, "lv06.yaml"), ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  return new Promise((end) => child.once("close", (code) => end({ code, text })));
}

async function ask(command: string, id: string, question: object): Promise<void> {
  const topic = `lv06/v1/demo/lv06-demo/cmd/${command}`;
  await client.publishAsync(topic, JSON.stringify({ id, ...question }), { qos: 1 });
  await vi.waitFor(() => expect(ofKind(`reply/${id}`).length).toBe(1), { timeout: WAIT_MS });
}

/** Commands name a patient; what is answered, and published, does not. */
async function askOfFilms(): Promise<void> {
  const [film] = FILMS.map(({ path }) => path) as [string];
  const films = join(folder, "films");
  mkdirSync(films);
  copyFileSync(film, join(films, FILM));
  copyFileSync(film, join(films, FILM_WITH_SIDECAR));
  writeFileSync(join(films, `${FILM_WITH_SIDECAR}.json`), '{"PatientName": "MUELLER-HANS", "age": "19610304"}');
  await ask("infer", "q2", { path: join(films, FILM), reference: FILM });
  await ask("infer", "q3", { path: join(films, FILM_WITH_SIDECAR) });
  await ask("infer", "q4", { path: join(films, "MUELLER-HANS-9.png") });
  await ask("resend", "q5", { from: 1 });
  // Answered by nobody; the log tells why.
  await client.publishAsync("lv06/v1/demo/lv06-demo/cmd/health", '{"PatientName": "MUELLER-HANS", ', { qos: 1 });
  await ask("receipt", "q6", { resultId: "r-1", "MUELLER-HANS": "19610304" });
  await vi.waitFor(() => expect(ofKind("result").length).toBe(6), { timeout: WAIT_MS });
}

function filesBelow(path: string): string[] {
  return readdirSync(path).flatMap((name) => {
    const entry = join(path, name);
    return lstatSync(entry).isDirectory() ? [entry, ...filesBelow(entry)] : [entry];
  });
}

describe.skipIf(!RUN_MOSQUITTO)(`planted secrets, with ${MOSQUITTO}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "secrets-"));
    broker = await startBroker();
    client = await listen();
    appliance = await startAppliance(folder, { settings: settings(), modelDevice: false });
    await vi.waitFor(() => expect(ofKind("status").length).toBeGreaterThan(0), { timeout: WAIT_MS });
    putAll();
    const refusals = () => ofKind("event").filter((text) => text.includes("ingest-refused"));
    const checks = () => ofKind("event").filter((text) => text.includes("digest-check"));
    await vi.waitFor(
      () => expect([ofKind("result").length, refusals().length, checks().length]).toEqual([2, REFUSED, 2]),
      { timeout: WAIT_MS },
    );
    await ask("receipt", "q1", { resultId: "f".repeat(32) });
    await askOfFilms();
  }, TEST_MS);

  afterAll(async () => {
    await client?.endAsync();
    await appliance?.stop();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the search finds what there is to be found", () => {
    expect(foundIn(`x${PASSWORD}x`, SECRETS)).toEqual([PASSWORD]);
    expect(foundIn(Buffer.from(SITE_KEY, "hex"), SECRETS)).toEqual([SITE_KEY]);
    expect(foundIn(Buffer.from(ENCRYPTION_KEY, "hex").toString("base64"), SECRETS)).toEqual([ENCRYPTION_KEY]);
    expect(foundIn(readFileSync(join(folder, "lv06.yaml")), SECRETS)).toEqual(SECRETS);
  });

  test("no topic, payload or property of any message has one, and results name their films by pseudonym", () => {
    const said = packets.filter(({ topic }) => !topic.includes("/cmd/"));
    expect(ofKind("reply/q2").join()).toContain('"ok":true');
    const seen = said.map(({ topic, text }) => foundIn(`${topic} ${text}`, [...SECRETS, ...PATIENT]));
    expect(seen.flat()).toEqual([]);
    const pseudonyms = new Pseudonyms(Buffer.from(SITE_KEY, "hex"));
    const told = said.map(({ text }) => text).join();
    for (const name of [FILM, FILM_WITH_SIDECAR, "MUELLER-HANS-5.png"]) expect(told).toContain(pseudonyms.of(name));
  });

  test("no line of the log has one, at its most talkative", () => {
    expect(appliance.log()).toContain('"result"');
    expect(appliance.log()).toContain("COMMAND_FORM");
    expect(foundIn(appliance.log(), [...SECRETS, ...PATIENT])).toEqual([]);
  });

  test(
    "no command prints a key or a password, and only those that look images up print their names",
    async () => {
      const silent = [
        ["check-config"],
        ["--json", "check-config"],
        ["doctor", "--offline"],
        ["keys", "show-ids"],
        ["--json", "outbox", "ls"],
        ["ledger", "check"],
        ["results", "show", "nope"],
      ];
      const naming = [
        ["results", "ls"],
        ["images", "ls"],
      ];
      for (const args of silent) {
        const { text } = await lv06(args);
        expect(text.length, args.join(" ")).toBeGreaterThan(0);
        expect(foundIn(text, [...SECRETS, ...PATIENT]), args.join(" ")).toEqual([]);
      }
      for (const args of naming) {
        const { text } = await lv06(args);
        expect(text).toContain(FILM);
        expect(foundIn(text, SECRETS), args.join(" ")).toEqual([]);
      }
    },
    TEST_MS,
  );

  test(
    "a secret of the wrong form is refused without being repeated",
    async () => {
      const { code, text } = await lv06(["check-config"], {
        LV06_PRIVACY_SITE_KEY: `${SITE_KEY}0`,
        LV06_STORE_ENCRYPTION_KEY: `${ENCRYPTION_KEY}0`,
        LV06_MQTT_PASSWORD: PASSWORD.repeat(500),
        LV06_MQTT_USERNAME: USER.repeat(500),
      });
      expect(code).toBe(2);
      expect(text).toContain("CONFIG");
      expect(foundIn(text, SECRETS)).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "no file below the data folder has one, nor its name",
    async () => {
      await appliance.stop();
      const files = filesBelow(join(folder, "data"));
      const kept = files.filter((file) => file.endsWith(".lv06e"));
      // Two films and one sidecar; five that were refused and one sidecar.
      expect(kept.length).toBe(9);
      const seen = files.map((file) => {
        const content = lstatSync(file).isFile() ? readFileSync(file) : Buffer.alloc(0);
        const found = [...foundIn(file.slice(folder.length), PATIENT), ...foundIn(content, [...SECRETS, ...PATIENT])];
        return found.length === 0 ? [] : [`${file.slice(folder.length)}: ${found}`];
      });
      expect(seen.flat()).toEqual([]);
    },
    TEST_MS,
  );
});
