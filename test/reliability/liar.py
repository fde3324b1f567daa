"""A liar on a pseudo-terminal: liar.py BEHIND LINK passes everything between the device at BEHIND and whoever opens LINK,
but for digests in the device's answers, in which it changes a digit, under a right checksum (SPEC.md, section 3).
Ends with the device, or when told; its last words are how often it lied."""
import os
import re
import select
import signal
import sys
import termios
import tty
import zlib

DIGEST = re.compile(rb"(?<=[ =])[0-9a-f]{64}(?= )")
LINE_MAX = 1 << 20
lies = 0


def other(digest: re.Match) -> bytes:
    digits = digest.group()
    return digits[:-1] + b"%x" % (int(digits[-1:], 16) ^ 1)


def told(line: bytes) -> bytes:
    """Only whole answers without a payload: in a payload, bytes may look like anything."""
    global lies
    head, changed = line[:-8], 0
    if line.startswith(b"~") and b" OK " in line[:12] and b" :" not in line:
        head, changed = DIGEST.subn(other, head)
    if changed == 0:
        return line
    lies += 1
    return head + b"%08x" % zlib.crc32(head)


def main(behind: str, link: str) -> None:
    device = os.open(behind, os.O_RDWR | os.O_NOCTTY)
    master, slave = os.openpty()
    for terminal in (device, slave):
        tty.setraw(terminal, termios.TCSANOW)
    if os.path.islink(link):
        os.unlink(link)
    os.symlink(os.ttyname(slave), link)
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit))
    print("ready", flush=True)
    held = b""
    try:
        while True:
            readable, _, _ = select.select([device, master], [], [])
            if master in readable:
                write(device, os.read(master, 65536))
            if device in readable:
                chunk = os.read(device, 65536)
                if not chunk:
                    return
                *lines, held = (held + chunk).split(b"\n")
                write(master, b"".join(told(line) + b"\n" for line in lines))
                if len(held) > LINE_MAX:
                    held = b""
    except OSError:
        return
    finally:
        print(lies, flush=True)


def write(to: int, data: bytes) -> None:
    while data:
        data = data[os.write(to, data) :]


main(*sys.argv[1:])
