"""A pseudo-terminal with something behind it that is no LV06. Prints its path; ends when its standard input does."""

import os
import select
import sys
import termios
import time
import tty

BOOT = (
    b"\r\nESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
    b"Guru Meditation Error: Core  0 panic'ed (LoadProhibited).\r\n"
)

# What is said by itself: every so many seconds, which bytes.
SAYS = {
    "arduino": (0.1, b"Temperature: 21.5 C, light 712\r\n"),
    "esp-idf": (0.1, b"I (12345) SystemModule: hashrate 512 GH/s\r\nW (12346) stratum_task: no pool\r\n"),
    "gps": (0.1, b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"),
    "resets": (0.25, BOOT),
    "noise": (0.05, bytes(range(128, 256))),
    "flood": (0.001, b"x" * 1000),
}


def modem(line: bytes) -> bytes:
    return b"\r\nOK\r\n" if line.strip().upper().startswith(b"AT") else b"\r\nERROR\r\n"


def main(kind: str) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    # A modem with echo on, and a terminal that nobody has set to raw, return what they are sent.
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    print(os.ttyname(slave), flush=True)
    os.set_blocking(master, False)
    every, words = SAYS.get(kind, (3600.0, b""))
    due = time.monotonic() + every
    while True:
        wait = max(0.0, due - time.monotonic())
        ready, _, _ = select.select([sys.stdin, master], [], [], wait)
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 1024):
            return
        heard = os.read(master, 4096) if master in ready else b""
        answer = {"echo": heard, "modem": heard + modem(heard)}.get(kind, b"") if heard else b""
        if time.monotonic() >= due:
            answer += words
            due = time.monotonic() + every
        try:
            os.write(master, answer)
        except BlockingIOError:
            pass


main(sys.argv[1])
