/** SPEC 5.10: log and reset. */
import { parsePairs } from "../../../host/device/session/pairs.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome } from "./support/driver.ts";
import { expectDigest, expectErr, okWord, okWords } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";
import { expectOtherBoot, reopened } from "./support/restarts.ts";
import { drawJob, HOPELESS, start } from "./support/searches.ts";

const MUST = { level: "MUST", needs: [] } as const;

export const BOARD_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/log/levels",
    title: "LOG takes the levels 0 to 5 and no others, and frames are read beside the log",
    spec: ["SPEC 5.10", "SPEC 3.5"],
    needs: ["log"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const level of ["6", "05", "-1", "x"]) expectErr(await line.ask("LOG", [level]), "ARGS", `LOG ${level}`);
      expectErr(await line.ask("LOG"), "ARGS", "LOG without a level");
      for (const level of ["5", "4", "3", "2", "1", "0"]) {
        okWords(await line.ask("LOG", [level]), `LOG ${level}`, 0);
        expectDigest(okWord(await line.ask("HASH", ["00"]), "HASH beside the log"), Buffer.of(0), "00");
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/log/beside-a-search",
    title: "Log lines of a busy device break no frame",
    spec: ["SPEC 3.5", "SPEC 5.10"],
    needs: ["log", "work"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      okWords(await line.ask("LOG", ["5"]), "LOG 5", 0);
      for (let times = 0; times < 5; times++) {
        okWords(await start(line, drawJob(bench, { difficulty: HOPELESS })), "WORK START");
        expectDigest(okWord(await line.ask("HASH", ["00"]), "HASH beside the log"), Buffer.of(0), "00");
      }
      const bad = line.heard.filter(({ kind }) => kind === "discarded");
      expectThat(bad.length === 0, `${bad.length} frames were broken`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/reset/new-boot",
    title: "RESET is answered, then the device restarts: another boot id, nothing of before",
    spec: ["SPEC 5.10", "SPEC 7"],
    needs: ["reset"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const boot = line.boot;
      okWords(await line.ask("RESET", [boot]), "RESET", 0);
      await line.close();
      const after = await reopened(bench, boot);
      expectOtherBoot(after.boot, boot);
      if (!after.hello.capabilities.has("health")) return;
      const reason = parsePairs(okWords(await after.ask("HEALTH"), "HEALTH")).get("resetReason");
      expectThat(reason === undefined || reason === "software", `the reset reason is ${reason}, not software`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/reset/another-boot",
    title: "RESET that names another boot is BOOT, and does not restart",
    spec: ["SPEC 5.10", "SPEC 4.2"],
    needs: ["reset"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const other = line.boot === "00000000" ? "00000001" : "00000000";
      expectErr(await line.ask("RESET", [other]), "BOOT", "RESET of another boot");
      expectErr(await line.ask("RESET", []), "ARGS", "RESET of no boot");
      expectErr(await line.ask("RESET", ["x"]), "ARGS", "RESET of what is no boot");
      expectThat((await line.ask("PING")).args[0] === line.boot, "it has restarted all the same");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/reset/repeated",
    title: "A repeated RESET that reaches the restarted device does not restart it again",
    spec: ["SPEC 5.10", "SPEC 4.2"],
    needs: ["reset"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const boot = line.boot;
      okWords(await line.ask("RESET", [boot]), "RESET", 0);
      await line.close();
      const after = await reopened(bench, boot);
      expectErr(await after.ask("RESET", [boot]), "BOOT", "RESET again");
      expectThat((await after.ask("PING")).args[0] === after.boot, "it has restarted twice");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/reset/by-the-host",
    title: "The host's driver resets the device, takes the connection for ended, and finds it again",
    spec: ["SPEC 5.10", "SPEC 6"],
    needs: ["reset"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const boot = device.info.bootId;
      const code = await outcome(bench.settle(device.reset(), 10_000));
      expectThat(code === "answered", `the reset ended in ${code}`);
      await bench.settle(device.close(), 5000);
      const after = await reopened(bench, boot);
      expectThat(after.hello.device === device.info.id, "another device answers");
    },
  }),
];
