import type { Command } from "commander";
import { examine } from "../appliance/doctor/doctor.ts";
import type { Finding } from "../appliance/doctor/finding.ts";
import { KEYS } from "../config/keys.ts";
import { action, INSTALL_DIR, packageVersion } from "./context.ts";
import { EXIT, type ExitCode, examples, lowestExit, table } from "./output.ts";

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description(
      "Checks this machine and its configuration before going live: folders, disk, clock, model, keys, broker, device.\n" +
        "Looks only: what is not there yet is not made. The broker gets one message that lapses after ten seconds.\n" +
        "Ends with 1 where something is wrong, with 5 where only the device is missing; notes end with 0.",
    )
    .summary("check this machine and its configuration before going live")
    .option("--offline", "ask nothing beyond this machine")
    .addHelpText("after", examples("lv06 doctor --config /etc/lv06/lv06.yaml", "sudo -u lv06 lv06 doctor --offline"))
    .action(
      action(async ({ output, load }, options: { readonly offline?: true }) => {
        const findings = await examine({
          loaded: load(),
          secrets: KEYS.filter(({ secret }) => secret),
          ...{ version: packageVersion(), installDir: INSTALL_DIR, cwd: process.cwd(), env: process.env },
          offline: options.offline === true,
        });
        output.answer({ ok: !findings.some(({ verdict }) => verdict === "wrong"), findings }, () => report(findings));
        return lowestExit(findings.map(exitOf));
      }),
    );
}

function exitOf({ verdict, code }: Finding): ExitCode {
  if (verdict !== "wrong") return EXIT.done;
  return code === "DOCTOR_PORT_ABSENT" ? EXIT.deviceAbsent : EXIT.failed;
}

function report(findings: readonly Finding[]): readonly string[] {
  const todo = findings.filter(({ action }) => action !== null);
  const rows = findings.map(({ check, verdict, detail, code }) => [
    check,
    verdict,
    code === null ? detail : `${detail} [${code}]`,
  ]);
  return [
    ...table(["check", "verdict", "detail"], rows),
    "",
    ...todo.map(({ verdict, code, action }) => `${verdict}: ${code}: ${action}`),
    todo.some(({ verdict }) => verdict === "wrong") ? "Not ready." : "Ready.",
  ];
}
