"""examples.json: the lines that SPEC.md shows, made anew."""

from .answers import ask
from .basics import root, sha
from .cases import case, suite, text
from .codec import BOOT, crc, frame
from .deflate import filtered, fixed
from .dialogues_board import mac, tag
from .dialogues_image import FOUR, blocks
from .dialogues_line import CAPS
from .dialogues_work import HASHES, HEADER, NONCE, found_mac, start, status

HOST, DEVICE = "host", "device"


def pairs() -> list[tuple[str, str]]:
    """Who says what, in the order of section 13."""
    sub = fixed(filtered(FOUR[8:], 4, [1, 1]))
    digests = [sha(b"\1\2"), sha(b"\n\0")]
    limits = "maxLine=2304 maxReply=2304 lines=64 bytes=16384 maxBlock=1024 maxImage=50176 inflate=8192"
    hello = f"proto=1 nonce=0a0b0c0d firmware=vectors/1 device=vectors caps={CAPS} {limits} rates=115200,460800,921600 simulated=1"
    found = f"0000000a found elapsedMs=12 hashes={HASHES} errors=0 nonce={NONCE} version=00000001 mac={found_mac(HEADER, NONCE)}"
    verbs = "this device knows HELLO PING HASH BATCH IMAGE HEALTH WORK ATTEST KEY BAUD LOG RESET"
    roots = [f"{size}={root(blocks(FOUR, 4, size)).hex()}" for size in (4, 2)]

    def says(seq: int, words: str) -> tuple[str, str]:
        verb, *rest = words.split(" ")
        return DEVICE, text(frame(seq, verb, BOOT, *rest))

    return [
        (HOST, ask(1, "HELLO 1 0a0b0c0d maxLine=65536")),
        says(1, f"OK {hello}"),
        (HOST, ask(2, "HASH 616263")),
        says(2, f"OK {sha(b'abc').hex()}"),
        (HOST, ask(3, "FLASH x")),
        says(3, f"ERR VERB {verbs}"),
        (HOST, ask(4, "BATCH 2 root", b"\1\2\n\0")),
        says(4, f"OK {root(digests).hex()}"),
        (HOST, ask(5, "IMAGE NEW 00000007 4 4")),
        (HOST, ask(6, "IMAGE ROWS 00000007 0 raw", FOUR[:8])),
        (HOST, ask(7, "IMAGE ROWS 00000007 2 deflate", sub)),
        (HOST, ask(8, "IMAGE ROOTS 00000007 4,2")),
        says(5, "OK"),
        says(6, "OK"),
        says(7, "OK"),
        says(8, "OK " + " ".join(roots)),
        (HOST, start()),
        says(9, "OK 0000000a running elapsedMs=0 hashes=0"),
        says(0, f"WORK {found}"),
        (HOST, status(10)),
        says(10, f"OK {found}"),
        (HOST, ask(11, f"ATTEST {'11' * 32} {'22' * 32}")),
        says(11, "OK " + mac(tag("lv06/attest/1") + b"\x11" * 32 + b"\x22" * 32 + bytes.fromhex(BOOT))),
        (HOST, ask(12, f"KEY {'33' * 32}")),
        says(12, "OK " + mac(tag("lv06/key/1") + b"\x33" * 32 + b"\1")),
        (HOST, ask(13, "IMAGE DIGESTS 00000007 2 1 2")),
        (DEVICE, text(frame(13, "OK", BOOT, payload=b"".join(blocks(FOUR, 4, 2)[1:3])))),
        says(0, "BOOT power-on"),
        says(0, "NAK CRC"),
    ]


def shown(line: str) -> str:
    """As SPEC.md prints it: what is not printable as \\xHH."""
    return "".join(each if " " <= each <= "~" else f"\\x{ord(each):02x}" for each in line)


def listing() -> list[str]:
    return [f"{who:<7} {shown(line)}" for who, line in pairs()]


def examples() -> dict:
    flags = {"Shown": ("DOCUMENTATION", "The specification shows a line that no device sends.")}
    cases = [
        case(f"line {index + 1}", "13", "valid", "", ["Shown"], by=who, line=line, shown=f"{who:<7} {shown(line)}")
        for index, (who, line) in enumerate(pairs())
    ]
    head = b"~0002 HASH 616263 "
    about = f"The example lines of SPEC.md, section 13, made anew. The CRC of its {len(head)} bytes `{head.hex(' ')}` is {crc(head)}."
    return suite("examples", about, flags, cases)
