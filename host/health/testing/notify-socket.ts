/** The service manager's end of its socket: what arrives, line by line. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const INSTALLED = ["systemd-notify", "python3"].every(
  (program) => spawnSync(program, ["--version"]).error === undefined,
);
const REQUIRED = process.env.CI !== undefined || process.env.LV06_TEST_REQUIRE_ALL === "1";
/** False where the tests are to be skipped; where everything is required they run, and fail. */
export const RUN_NOTIFY = INSTALLED || REQUIRED;

/** Node has no datagram sockets of this kind. */
const RECEIVER = `
import socket, sys
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
end.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(end.recv(4096).decode(), flush=True)
`;

export class NotifySocket {
  readonly path: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  #said = "";

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "notify-"));
    this.path = join(this.#folder, "socket");
    this.#process = spawn("python3", ["-c", RECEIVER, this.path], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
  }

  static async open(): Promise<NotifySocket> {
    const socket = new NotifySocket();
    while (!socket.#said.startsWith("bound\n")) await new Promise((resolve) => setTimeout(resolve, 10));
    return socket;
  }

  /** In the order of their arrival, without what systemd-notify asks for itself. */
  get notices(): readonly string[] {
    const lines = this.#said.split("\n").slice(1);
    return lines.filter((line) => line !== "" && line !== "BARRIER=1");
  }

  close(): void {
    this.#process.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
