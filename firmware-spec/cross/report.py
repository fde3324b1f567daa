#!/usr/bin/env python3
"""Builds the core without an operating system, and measures it against budget.json.

report.py [--json FILE] [--verbose]

Fails when the core does not compile or link, when it needs more from outside than a compiler's own library, when it has
writable data of its own, when a function calls itself by any way or takes a stack frame of unknown size, when an
indirect call is not in budget.json, and when a figure is over its budget. README.md explains the figures.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORE = HERE.parent / "core"
FLAGS = ["-std=c11", "-Os", "-ffreestanding", "-DLV06_FREESTANDING", "-Wall", "-Wextra", "-Werror", "-pedantic",
         "-Wconversion", "-Wshadow", "-ffunction-sections", "-fdata-sections", "-fcallgraph-info=su,da"]
TARGETS = {
    "rv32imc": ("riscv64-unknown-elf-", ["-march=rv32imc", "-mabi=ilp32"]),
    "cortex-m0+": ("arm-none-eabi-", ["-mcpu=cortex-m0plus", "-mthumb"]),
    "cortex-m4": ("arm-none-eabi-", ["-mcpu=cortex-m4", "-mthumb"]),
}
SOFTWARE_PARTS = {"sha256.c", "hmac.c", "inflate.c"}
# As lv06_limits.h says.
MINIMAL = {"core.c", "commands.c", "crc32.c", "frame.c", "hash.c", "hello.c", "request.c", "text.c", "cobs.c", "mem.c"}
BUILDS = {"full": ([], False), "parts": (["-DPARTS"], True), "minimal": (["-DLV06_MINIMAL=1"], False)}


class Finding(Exception):
    """Something that is not as it must be."""


def run(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise Finding(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def sources(build):
    present = sorted(CORE.glob("*.c"))
    if build == "minimal":
        return [path for path in present if path.name in MINIMAL]
    return [path for path in present if build == "parts" or path.name not in SOFTWARE_PARTS]


def compile_all(prefix, flags, build, folder):
    defines = BUILDS[build][0]
    for path in [*sources(build), HERE / "entry.c"]:
        run([f"{prefix}gcc", *flags, *FLAGS, *defines, "-c", path, "-o", f"{path.stem}.o"], folder)
    objects = [f"{path.stem}.o" for path in sources(build)]
    run([f"{prefix}gcc", *flags, "-nostdlib", "-Wl,--gc-sections", "-o", "linked", "entry.o", *objects, "-lgcc"], folder)
    return objects


def check_symbols(prefix, flags, objects, folder, runtime):
    """What the core takes from outside, and that it keeps no data of its own."""
    run([f"{prefix}gcc", *flags, "-nostdlib", "-r", "-o", "core.r", *objects], folder)
    listing = run([f"{prefix}nm", "core.r"], folder)
    outside = {line.split()[-1] for line in listing.splitlines() if line.split()[-2] == "U"}
    foreign = sorted(name for name in outside if not name.startswith("__") and name not in runtime)
    if foreign:
        raise Finding(f"needs from outside: {', '.join(foreign)}")
    data = sorted(line.split()[-1] for line in listing.splitlines() if line.split()[-2] in "bBdDC")
    if data:
        raise Finding(f"has data of its own: {', '.join(data)}")
    return sorted(outside)


def section_sizes(prefix, file, folder):
    """Bytes of flash: code, constants and initial values."""
    total = 0
    for line in run([f"{prefix}size", "-A", file], folder).splitlines():
        match = re.match(r"\.(text|rodata|data|sdata|srodata)\S*\s+(\d+)", line)
        total += int(match.group(2)) if match else 0
    return total


def state_bytes(prefix, folder):
    for line in run([f"{prefix}nm", "-S", "--radix=d", "linked"], folder).splitlines():
        if line.endswith(" lv06_measured"):
            return int(line.split()[1])
    raise Finding("lv06_measured is not in the linked file")


NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')


def call_graph(folder, objects):
    frames, calls, files = {}, {}, {}
    for name in [*objects, "entry.o"]:
        text = (folder / Path(name).with_suffix(".ci")).read_text()
        for title, label in NODE.findall(text):
            size = re.search(r"(\d+) bytes \(([^)]+)\)", label)
            if not size:
                continue
            if size.group(2) != "static":
                raise Finding(f"{title}: a stack frame of unknown size ({size.group(2)})")
            frames[title] = int(size.group(1))
            files[title] = f"{Path(name).stem}.c"
        for source, target in EDGE.findall(text):
            calls.setdefault(source, set()).add(target)
    return frames, calls, files


def plain(title):
    return title.rsplit(":", 1)[-1]


def resolve(frames, calls, files, indirect):
    """Puts the functions that an indirect call can reach in its place."""
    board = [title for title in frames if files[title] == "entry.c" and plain(title).startswith("board_")]
    for source, targets in calls.items():
        if "__indirect_call" not in targets:
            continue
        targets.discard("__indirect_call")
        if files[source] not in indirect:
            raise Finding(f"{source} calls through a pointer: say in budget.json what {files[source]} can reach")
        names = indirect[files[source]]
        targets.update(board)
        targets.update(title for title in frames if any(re.fullmatch(name, plain(title)) for name in names))


def deepest(root, frames, calls):
    """The most stack below and including `root`, and the way there."""
    known, under_way = {}, []

    def visit(title):
        if title in known:
            return known[title]
        if title in under_way:
            raise Finding(f"recursion: {' > '.join(map(plain, [*under_way[under_way.index(title):], title]))}")
        under_way.append(title)
        below = [visit(target) for target in sorted(calls.get(title, ())) if target in frames]
        under_way.pop()
        size, way = max(below, key=lambda one: one[0], default=(0, []))
        known[title] = (frames[title] + size, [title, *way])
        return known[title]

    return visit(root), set(known)


def stack(objects, folder, plan, build):
    frames, calls, files = call_graph(folder, objects)
    resolve(frames, calls, files, plan["indirect"])
    worst, reached = (0, []), set()
    for root in plan["roots"]:
        one, seen = deepest(root, frames, calls)
        reached |= seen
        worst = max(worst, one, key=lambda way: way[0])
    # Who is reached by nobody is called through a pointer that budget.json does not know, or is dead.
    linked = {title for title in frames if files[title] not in SOFTWARE_PARTS | {"entry.c", "mem.c"}}
    lost = sorted(plain(title) for title in linked - reached)
    if lost and build == "full":
        raise Finding(f"reached by no call: {', '.join(lost)}")
    return worst


def measure(target, build, plan, folder):
    prefix, flags = TARGETS[target]
    objects = compile_all(prefix, flags, build, folder)
    outside = check_symbols(prefix, flags, objects, folder, plan["runtime"])
    size, way = stack(objects, folder, plan, build)
    return {
        "target": target,
        "build": build,
        "codeBytes": section_sizes(prefix, "linked", folder) - section_sizes(prefix, "entry.o", folder),
        "stateBytes": state_bytes(prefix, folder),
        "stackBytes": size,
        "deepest": [plain(title) for title in way],
        "outside": outside,
    }


def over_budget(figure, budget):
    return [f"{figure['target']} {figure['build']}: {key} {figure[key]} is over {most}"
            for key, most in budget[figure["build"]].items() if figure[key] > most]


def show(figures, plan, verbose):
    print(f"{'target':12} {'build':8} {'code':>7} {'state':>7} {'stack':>7}   bytes; the budget below each build")
    for build in BUILDS:
        for figure in (one for one in figures if one["build"] == build):
            print(f"{figure['target']:12} {build:8} {figure['codeBytes']:7} {figure['stateBytes']:7} {figure['stackBytes']:7}")
            if verbose:
                print(f"  {' > '.join(figure['deepest'])}\n  from the compiler's library: {', '.join(figure['outside']) or '-'}")
        most = plan["budget"][build]
        print(f"{'budget':12} {build:8} {most['codeBytes']:7} {most['stateBytes']:7} {most['stackBytes']:7}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    plan = json.loads((HERE / "budget.json").read_text())
    figures, findings = [], []
    for target in TARGETS:
        for build in BUILDS:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    figures.append(measure(target, build, plan, Path(folder)))
                except Finding as finding:
                    findings.append(f"{target} {build}: {finding}")
    show(figures, plan, options.verbose)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"figures": figures, "budget": plan["budget"]}, indent=2) + "\n")
    findings += [line for figure in figures for line in over_budget(figure, plan["budget"])]
    for finding in findings:
        print(f"cross: {finding}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
