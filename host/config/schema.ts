/**
 * The one description of the configuration: validation, environment variables, the JSON Schema and the
 * reference page all come from here.
 *
 * Every key has a default and a legal range, and carries its unit in its name. `.meta` is what the generated
 * pages show; `NOTES` is what only this room needs to know.
 */
import { z } from "zod";
import { KeyRing } from "../base/key-ring.ts";

export interface Note {
  /** What the value may be, where the schema itself does not say it in words. */
  readonly allowed?: string;
  /** A path: relative ones are resolved when the configuration is loaded. */
  readonly path?: true;
  /** A value of a path's key that is a word instead. */
  readonly word?: string;
  /** Never printed; may also come from a file or a systemd credential. */
  readonly secret?: true;
}

export const NOTES = z.registry<Note>();

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

function key<S extends z.ZodType>(schema: S, description: string, note: Note = {}): S {
  const described = schema.meta({ description, ...(note.secret === true ? { writeOnly: true } : {}) });
  NOTES.add(described, note);
  return described;
}

function section<S extends z.ZodRawShape>(description: string, shape: S) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description });
}

const whole = (lowest: number, highest: number, preset: number) => z.int().min(lowest).max(highest).default(preset);
const text = (highest: number) => z.string().min(1).max(highest);
/** A NUL would end the path early in every system call. */
const pathText = text(4096).regex(/^[^\0]+$/);
const nameText = z.string().regex(/^[a-z0-9-]{1,40}$/);

const list = (item: z.ZodType<string>, most: number) => z.array(item).max(most);
const folders = (most: number) => list(pathText, most).default([]);
const workerName = z.string().regex(/^[\x21-\x2b\x2d-\x7e]{1,64}$/);
const address = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.%]{2,60}\]):(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]?[0-9]{1,4})$/,
  );

const ageRange = z
  .string()
  .regex(/^\d{1,3}-\d{1,3}$/)
  .refine((text) => {
    const [min = 0, max = 0] = text.split("-").map(Number);
    return min <= max && max <= 150;
  });
/** As DICOM writes a view, a modality or a body part; and the word that stands for all of them. */
const dicomWords = () => list(z.string().regex(/^(?:any|[A-Z0-9_]{1,16})$/), 32).default([]);
const DICOM_WORDS = "at most 32 words of A–Z, 0–9 and _, or any";

const KEY_HEX = "64 hexadecimal digits";
/** The form only; what they open the vault tells. */
const keyLines = text(4_096).refine((lines) => {
  try {
    return KeyRing.parse(lines).keys.length > 0;
  } catch {
    return false;
  }
});

const ADDRESS = "host:port, such as 127.0.0.1:3333; an IPv6 address stands in brackets";
const WORKERS = "at most 64 names of 1 to 64 printable characters without spaces and commas";
const NAME = "1 to 40 of a–z, 0–9 and -";
const PATH = "a path of 1 to 4096 characters";

export const ConfigSchema = z
  .strictObject({
    site: key(nameText.default("local"), "The site's name in MQTT topics. No patient data, no person's name.", {
      allowed: NAME,
    }),
    appliance: key(
      nameText.default("appliance"),
      "This appliance's name in MQTT topics; unique within its site, or two appliances take each other's session.",
      { allowed: NAME },
    ),
    dataDir: key(pathText.default("data"), "Folder for results, outbox, caches and the inbox.", {
      allowed: PATH,
      path: true,
    }),
    mode: key(
      z.enum(["inference", "validation", "training"]).default("inference"),
      "What happens to an image that does not say so itself. inference: publish. validation: publish, and have the device check the digests. training: software only, nothing published.",
    ),
    privacy: section("What of an image's origin leaves this machine.", {
      reference: key(
        z.enum(["pseudonym", "plain"]).default("pseudonym"),
        "How an image's reference (a file's name, a request's id) leaves in messages. pseudonym: as a code that only the holder of siteKey can link to it; `lv06 results find` takes either form. plain: as it came.",
      ),
      siteKey: key(
        z
          .string()
          .regex(/^[0-9A-Fa-f]{64}$/)
          .nullable()
          .default(null),
        "Key of the pseudonyms; appliances with the same one give a reference the same pseudonym. Nothing means one of this appliance's own, made at the first start.",
        { allowed: KEY_HEX, secret: true },
      ),
    }),
    log: section(
      "Logging, as JSON lines: of `lv06 run` on standard output (with --json on standard error), else on standard error.",
      {
        level: key(
          z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
          "The least severe level that is logged.",
        ),
      },
    ),
    ingest: section("The inbox folder.", {
      inboxDir: key(
        pathText.nullable().default(null),
        "Folder that is watched for images; nothing means the folder inbox in dataDir.",
        { allowed: PATH, path: true },
      ),
      settleMs: key(whole(0, 600_000, 1_000), "A file is taken once its size has not changed for this long, in ms."),
      rescanMs: key(
        whole(100, 3_600_000, 5_000),
        "The folder is read again this often, in ms: file events get lost on network drives.",
      ),
      maxFileBytes: key(whole(1_024, GIB, 64 * MIB), "Larger files are refused unread, in bytes."),
      maxInFlight: key(whole(1, 64, 4), "Images from the inbox that are in work at once."),
      waitingMaxFiles: key(
        whole(1, 1_000_000, 10_000),
        "With more files waiting in the inbox an alarm is raised; they are still taken, the oldest first, and none is removed.",
      ),
      duplicates: key(
        z.enum(["repeat", "skip"]).default("repeat"),
        "A file with the very bytes of one that has a result already. repeat: a new result, from the cache. skip: counted and put away, no new result; a file that has a sidecar is never skipped.",
      ),
      allowedDirs: key(
        folders(16),
        "Folders below which a command over MQTT (cmd/infer) may name an image by its path; an empty list means none.",
        { allowed: `at most 16, each ${PATH}`, path: true },
      ),
      keep: key(
        z.enum(["encrypted", "none"]).default("encrypted"),
        "What becomes of a file once its result is durable. encrypted: it is kept, encrypted, in the folder processed of the inbox. none: it is deleted.",
      ),
      keepMaxBytes: key(
        whole(MIB, 64 * 1_024 * GIB, 2 * GIB),
        "Kept files may take this much, in bytes; beyond it the oldest are removed.",
      ),
      keepMaxAgeDays: key(whole(1, 36_500, 30), "Kept files are removed after this many days."),
      quarantineMaxFiles: key(
        whole(1, 1_000_000, 1_000),
        "Files in quarantine, at most; beyond it the oldest are removed with their reasons.",
      ),
      quarantineMaxBytes: key(
        whole(MIB, 1_024 * GIB, 256 * MIB),
        "Files in quarantine may take this much, in bytes; beyond it the oldest are removed with their reasons.",
      ),
    }),
    raster: section("Decoding, in a child process of its own.", {
      maxPixels: key(whole(50_176, 268_402_689, 40_000_000), "Images with more pixels are refused before decoding."),
      maxSidePx: key(whole(224, 65_535, 16_000), "Images with a longer side are refused before decoding, in pixels."),
      deadlineMs: key(whole(100, 600_000, 20_000), "Decoding one image may take this long, in ms."),
      memoryMiB: key(whole(256, 16_384, 1_024), "Memory that the decoder may write to, in MiB."),
    }),
    model: section("The model that answers.", {
      dir: key(
        pathText.default("models/kermany-resnet18-a"),
        "Folder with the model's manifest.json; the default is looked up where the appliance is installed.",
        { allowed: PATH, path: true },
      ),
      variant: key(
        nameText.default("auto"),
        "Precision variant, by its name in the manifest; auto takes the one for this CPU.",
        { allowed: `auto, or a variant's name: ${NAME}` },
      ),
    }),
    quality: section("Which images are assessed.", {
      population: section(
        "What an image's metadata may say (docs/guide.md, \"What is known of a film\"). The model's manifest states whom it is for; a site that sets something else here answers for it: the model has not been measured there.",
        {
          policy: key(
            z.enum(["enforce", "ignore"]).default("enforce"),
            "enforce: an image that is said to be outside gets no answer, but reasons. ignore: what is said of an image has no effect.",
          ),
          ageYears: key(
            ageRange.nullable().default(null),
            "Ages in completed years, both ends included; nothing means the model's own.",
            { allowed: "two whole numbers up to 150, such as 1-5, the lower one first" },
          ),
          view: key(
            dicomWords(),
            "Views by DICOM's View Position, such as AP or PA; an empty list means the model's own, any that all are admitted.",
            { allowed: DICOM_WORDS },
          ),
          modality: key(dicomWords(), "Modalities, such as CR or DX; an empty list and any as for view.", {
            allowed: DICOM_WORDS,
          }),
          bodyPart: key(dicomWords(), "Body parts, such as CHEST; an empty list and any as for view.", {
            allowed: DICOM_WORDS,
          }),
        },
      ),
    }),
    inference: section("The neural network, in a child process of its own.", {
      threads: key(whole(0, 64, 0), "Threads for one inference; 0 means cores − 1, at most 3 and at least 1."),
      deadlineMs: key(whole(100, 600_000, 10_000), "One inference may take this long, in ms."),
      memoryMiB: key(whole(256, 65_536, 2_048), "Memory that the inference process may write to, in MiB."),
    }),
    policy: section("When the device is asked.", {
      deviceCheckFraction: key(
        z.number().min(0).max(1).default(1),
        "In validation mode, the fraction of the images whose digests the device computes too.",
      ),
    }),
    device: section("The hashing device.", {
      usb: section("A device with direct-hash firmware on a serial line.", {
        path: key(
          pathText.nullable().default(null),
          "Serial port, best as /dev/serial/by-id/…; auto asks every port that may have a device; nothing means that there is none, unless id is set.",
          { allowed: `auto, or ${PATH}`, path: true, word: "auto" },
        ),
        baud: key(
          whole(9_600, 4_000_000, 115_200),
          "Line rate at which the device is first greeted, in baud; a faster one is then agreed on. Native USB ignores it.",
        ),
        id: key(
          z
            .string()
            .regex(/^[\x21-\x7e]{1,64}$/)
            .nullable()
            .default(null),
          "Only the device with this id is used, at whichever port it is plugged; `lv06 device info` shows it. Nothing means any.",
          { allowed: "1 to 64 printable characters without spaces" },
        ),
      }),
      stratum: section(
        "The local pool for devices with stock firmware. Read docs/stock-devices.md before it listens beyond this machine.",
        {
          listen: key(
            address.nullable().default(null),
            "Address of this machine and port where miners connect; nothing means no pool.",
            { allowed: ADDRESS },
          ),
          advertise: key(
            address.nullable().default(null),
            "Where miners reach the pool, if that is not where it listens (0.0.0.0, a forwarded port); `lv06 device pair` hands it out.",
            { allowed: ADDRESS },
          ),
          workers: key(
            list(workerName, 64).default(["lv06"]),
            "Workers that may connect: lv06 admits lv06 and lv06.anything. Names are no secrets.",
            { allowed: WORKERS },
          ),
          simulatedWorkers: key(
            list(workerName, 64).default([]),
            "Workers that are models of miners, for trying out: whoever connects under such a name seals real results as simulated ones, with practically no work.",
            { allowed: WORKERS },
          ),
          idle: key(
            z.enum(["keep", "pause"]).default("keep"),
            "While nothing waits to be sealed: keep has the miners go on with the last job; pause has those of device.miners whose firmware can switch their chips off after five minutes, and on again for the next batch.",
          ),
        },
      ),
      miners: key(
        list(z.string().regex(/^(?:axeos|s9):\/\/[\x21-\x2b\x2d-\x3f\x41-\x7e]{1,64}@[^\s,@/?#]{1,260}$/), 64).default(
          [],
        ),
        "Miners whose own health is read: axeos://WORKER@HOST for a Lucky Miner or Bitaxe, s9://WORKER@HOST for an Antminer S9; WORKER is the name under which it works for the pool.",
        { allowed: "at most 64 of axeos://WORKER@HOST[:PORT] or s9://WORKER@HOST[:PORT]" },
      ),
      minerIntervalS: key(whole(1, 3_600, 10), "The health of each miner is read this often, in s."),
    }),
    seal: section("Sealing results with work proofs, where a device can search them.", {
      difficulty: key(
        z
          .number()
          .min(1)
          .max(2 ** 32)
          .default(256),
        "What the work for a batch must prove, from a real device: about this many times 2^32 hashes.",
      ),
      simulatedDifficulty: key(
        z
          .number()
          .min(1e-9)
          .max(2 ** 32)
          .default(2 ** -20),
        "The same from a simulated device.",
      ),
      minDifficulty: key(
        z
          .number()
          .min(1)
          .max(2 ** 32)
          .default(256),
        "From this difficulty on, the work of a real device makes a seal say workVerified.",
      ),
      maxSize: key(whole(1, 1_024, 1_024), "Results in one batch, at most."),
      maxAgeMs: key(whole(0, 3_600_000, 1_000), "How long the first result of a batch waits for company, in ms."),
      deadlineMs: key(
        whole(1, 86_400_000, 30_000),
        "A result that has waited this long with no device to seal it raises an alarm, in ms; a slow device gets its batch earlier.",
      ),
      lateQuantile: key(
        z.number().min(0.5).max(0.999999).default(0.999),
        "A seal is late, and an event says so, once this part of all seals would have come, by the shares observed.",
      ),
    }),
    metrics: section("Figures for Prometheus.", {
      listen: key(
        address.nullable().default(null),
        "Address of this machine and port where /metrics is served; nothing means not at all. It has no password.",
        { allowed: ADDRESS },
      ),
    }),
    mqtt: section("Results and health.", {
      url: key(
        z
          .string()
          .max(2_048)
          .regex(/^mqtts?:\/\/[^\s@/?#]+\/?$/)
          .nullable()
          .default(null),
        "Broker; nothing means the embedded one, which listens on this machine only and is for trying out.",
        { allowed: "mqtt://host:port or mqtts://host:port, without user or password (they have keys of their own)" },
      ),
      embeddedPort: key(
        whole(0, 65_535, 1_883),
        "TCP port of the embedded broker, on 127.0.0.1; 0 takes any free port. Unused when url is set.",
      ),
      username: key(text(1_024).nullable().default(null), "User name at the broker; nothing means anonymous.", {
        secret: true,
      }),
      password: key(text(4_096).nullable().default(null), "Password at the broker.", { secret: true }),
      caFile: key(
        pathText.nullable().default(null),
        "PEM file with the authority that signed the broker's certificate; nothing means the public ones.",
        { allowed: PATH, path: true },
      ),
      certFile: key(
        pathText.nullable().default(null),
        "PEM file with this appliance's own certificate for the broker, and what is between it and the authority; set it together with keyFile.",
        { allowed: PATH, path: true },
      ),
      keyFile: key(
        pathText.nullable().default(null),
        "PEM file with the private key of certFile, readable by the appliance's user only.",
        { allowed: PATH, path: true },
      ),
      serverName: key(
        z
          .string()
          .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)
          .nullable()
          .default(null),
        "Name that the broker's certificate must have, where it is not the host in url (an address, a tunnel).",
        { allowed: "a host's name of 1 to 253 letters, digits, . and -" },
      ),
      homeAssistantPrefix: key(
        z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64}){0,3}$/)
          .nullable()
          .default(null),
        "Topic below which the appliance announces itself to Home Assistant, there usually homeassistant; nothing means that it does not. Health only, no results.",
        { allowed: "1 to 4 topic levels of 1 to 64 letters, digits, _ and -" },
      ),
      inferMaxBytes: key(
        z
          .int()
          .min(1_024)
          .max(16 * MIB)
          .nullable()
          .default(null),
        "Images that a command over MQTT (cmd/infer) brings along may be this large, in bytes; nothing means that none is taken.",
      ),
      healthIntervalS: key(whole(1, 3_600, 30), "Health is published this often, in s."),
      connectDeadlineMs: key(whole(100, 600_000, 10_000), "One attempt to connect may take this long, in ms."),
    }),
    health: section("What the appliance checks of itself.", {
      selfcheckIntervalS: key(
        whole(1, 3_600, 60),
        "A known image goes through decoder, attention and model this often, in s; nothing of it is stored or published. Oftener where a service manager's watchdog asks for it.",
      ),
    }),
    store: section("Results, outbox and caches in dataDir.", {
      maxBytes: key(
        whole(MIB, 64 * 1_024 * GIB, 4 * GIB),
        "The database of results, its journal included, may take this much, in bytes; beyond it the oldest results that were delivered and sealed are removed.",
      ),
      maxAgeDays: key(
        z.int().min(1).max(36_500).nullable().default(null),
        "Results that were delivered and sealed are removed after this many days; nothing means no limit of age.",
      ),
      diskFreeMinBytes: key(
        whole(MIB, 1_024 * GIB, 512 * MIB),
        "With less than this free on the disk of dataDir, in bytes, new images are not taken and wait in the inbox.",
      ),
      encryptionKey: key(
        keyLines.nullable().default(null),
        "Key of what is stored: one a line, the first encrypts, the others still open what is older. Nothing means one in dataDir/keys, made at the first start: it does not protect a stolen disk.",
        {
          allowed: `1 to 16 different keys, each on a line of its own: ${KEY_HEX}, or 32 bytes in base64`,
          secret: true,
        },
      ),
      outboxMaxRows: key(whole(100, 10_000_000, 100_000), "Messages that may wait for the broker."),
      outboxMaxBytes: key(whole(MIB, 64 * GIB, 256 * MIB), "Bytes of messages that may wait for the broker."),
      cacheMaxBytes: key(
        whole(MIB, 1_024 * GIB, 512 * MIB),
        "Bytes of cached attention maps and results; the least recently used go first.",
      ),
    }),
  })
  .meta({ title: "LV06 edge appliance configuration" });

/** As loaded: every key present, every path absolute. */
export type Config = z.output<typeof ConfigSchema> & { readonly ingest: { readonly inboxDir: string } };
