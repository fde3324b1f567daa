/** Keeps the closing of a port from dropping DTR and RTS, which resets an ESP32 board. */
import { spawn } from "node:child_process";
import type { Clock } from "../clock.ts";

const DEADLINE_MS = 1000;

/**
 * Clears HUPCL on a port that this process holds open. serialport cannot: its `hupcl: false` only leaves the flag as
 * it was (bindings-cpp 13.0.0), and Linux sets it for every fresh port.
 *
 * The port is handed to `stty` as an open file: opening it by name again would raise DTR and RTS once more. It is file
 * 3, not standard input, because libuv makes a child's standard input blocking, and with it the port in this process.
 *
 * @param fd the open port
 * @returns false where that cannot be done, for want of `stty` or of a terminal: closing may then reset the board,
 *   which the boot id shows at the next HELLO
 */
export function clearHangUp(fd: number, clock: Clock, stty = "stty"): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("/bin/sh", ["-c", 'exec "$0" -hupcl <&3', stty], { stdio: ["ignore", "ignore", "ignore", fd] });
    // As long as it lives it holds the port, too: closed here, it would stay locked.
    let cancel = clock.after(DEADLINE_MS, () => {
      child.kill("SIGKILL");
      cancel = clock.after(DEADLINE_MS, () => resolve(false));
    });
    const end = (done: boolean) => {
      cancel();
      resolve(done);
    };
    child.once("error", () => end(false));
    child.once("close", (status) => end(status === 0));
  });
}
