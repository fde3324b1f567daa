"""dialogues.json: what a freshly booted device answers."""

from . import dialogues_board, dialogues_hash, dialogues_image, dialogues_line, dialogues_work
from .cases import suite
from .codec import BOOT

FLAGS = {
    "Normal": ("BASIC", "The command does not work."),
    "Arguments": ("PARSER", "What is not an argument is taken for one, or the host is told the wrong thing."),
    "Limit": ("BOUNDARY", "What the device announced it does not take, or it takes more than it has memory for."),
    "Order": ("DIAGNOSIS", "Of several faults another is named than the one that comes first (4.3)."),
    "Discard": ("INTEGRITY", "A damaged line is executed, or not told of, or the lines after it are lost too."),
    "Echo": ("STATE", "The device answers its own words: two ends answer each other for ever."),
    "Person": ("COMPATIBILITY", "A person at a terminal gets no sign of life, or the device answers log."),
    "Repeat": ("STATE", "A repeated request is lost, or does its work twice."),
    "Lost": ("STATE", "A line lost on the way leaves the two sides with different ideas of the image."),
    "State": ("STATE", "State that should be gone is there, or the other way round."),
    "Version": ("COMPATIBILITY", "Host and device of different versions do not find each other."),
    "Capability": ("COMPATIBILITY", "A command that was not announced does something, or one that was does not."),
    "Clock": ("STATE", "Deadlines, the way back from a rate, or notices do not happen, or too soon."),
    "Secret": ("CRYPTO", "The MAC under the key is another, or one command gives the value of another."),
    "Proof": ("CRYPTO", "A nonce that proves nothing is reported as found."),
    "Values": ("ARITHMETIC", "A value is reported wrong, or 0 for not known."),
    "Scripted": ("SETUP", "Needs a device whose sensors, ASIC or missing parts can be scripted: skip it on a board."),
}


NEEDS = {
    "PING": "ping",
    "BATCH": "batch",
    "IMAGE": "image",
    "HEALTH": "health",
    "WORK": "work",
    "ATTEST": "attest",
    "KEY": "key",
    "BAUD": "baud",
    "LOG": "log",
    "RESET": "reset",
}


# Keys of HELLO that only a device beyond the minimal profile has.
MORE = {"maxReply", "maxImage", "inflate", "rates"}


def finished(each: dict) -> dict:
    """Keeps to the credits, one request of 512 bytes before HELLO, and says what the case needs of a device."""
    first, *_ = each["steps"]
    lines = first.get("send", [])
    requests = [line for line in lines if line.startswith("~")]
    if len(requests) > 1 or any(len(line) >= 512 for line in requests):
        each["steps"] = [dialogues_line.step(dialogues_line.HELLO, dialogues_line.HELLOED), *each["steps"]]
    steps = each.pop("steps")
    return {**each, "needs": sorted(needs(steps)), "steps": steps}


def needs(steps: list) -> set:
    said = [line for each in steps for line in each.get("send", [])]
    said += "".join(each.get("bytes", "") for each in steps).split("\n")
    replies = [reply for each in steps for expected in each["expect"] for reply in expected.get("anyOf", [expected])]
    verbs = {line[6:].split(" ")[0] for line in said if line.startswith("~")}
    answers = {reply.get("verb") for reply in replies if not reply.get("optional")}
    conditions = {
        **{need: verb in verbs for verb, need in NEEDS.items()},
        "lines": any(len(each.get("send", [])) > 1 for each in steps),
        "long": any(len(line) >= 512 for line in said),
        "nak": "NAK" in answers,
        "boot": "BOOT" in answers,
        "attest": "ATTEST" in verbs or any("mac" in reply.get("keys", {}) for reply in replies),
        "full": any(reply.get("keys", {}).keys() & MORE for reply in replies),
        "inflate": any(inflates(line, replies) for line in said),
    }
    return {need for need, true in conditions.items() if true}


def inflates(line: str, replies: list) -> bool:
    """Whether a device has to inflate for its answer to this line."""
    answers = [reply["words"][:1] for reply in replies if reply.get("seq") == line[1:5]]
    return " deflate :" in line and any(answer != ["ARGS"] for answer in answers)


def dialogues() -> dict:
    rooms = [dialogues_line, dialogues_hash, dialogues_board, dialogues_image, dialogues_work]
    cases = [finished(each) for room in rooms for each in room.cases()]
    about = (
        "What a freshly booted device answers. The BOOT notice is dropped before the first step. `send`: lines, each sent with an LF; "
        "`bytes`: bytes sent as they are; `advanceMs`: time passes; `restart`: power off and on; `expect`: the replies, in any order. `needs`: what a device must have for it. "
        "After a step `rate`, `log` and `restarts` are the line's rate, the board's log level, and how often RESET has restarted the board so far. `bootedMs`: so long before the first step the device was started."
    )
    device = {
        "boot": [BOOT, "1a2b3c4e", "1a2b3c4f"],
        "firmware": "vectors/1",
        "device": "vectors",
        "maxLine": 2304,
        "maxReply": 2304,
        "lines": 64,
        "bytes": 16384,
        "maxBlock": 1024,
        "maxImage": 50176,
        "inflate": 8192,
        "rates": [115200, 460800, 921600],
        "key": bytes(range(32)).hex(),
        "bootedMs": 12345,
        "sensors": dialogues_line.SENSORS,
        "resetReason": "power-on",
    }
    return suite("dialogues", about, FLAGS, cases, device=device)
