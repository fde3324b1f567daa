#!/usr/bin/env python3
"""Builds and runs the fuzz targets.

run.py build                         the programs, with the address and undefined-behaviour sanitizers
run.py fuzz SECONDS [--short]        runs all targets for SECONDS of wall time together; --short: on the committed corpora
                                     and seeds alone, with a fixed seed, and keeps nothing
run.py corpus                        merges what was found into corpus/*.zip, smallest inputs that reach everything
run.py coverage                      lines of core/ that the committed corpora reach
run.py record                        puts the last run's entry at the top of RESULTS.md

OUT (default ../build/firmware/fuzz, from this folder's parent) holds programs, growing corpora and findings. Ends with 1 on a finding; the
input that shows it is in OUT/findings, and `OUT/bin/TARGET FILE` repeats it. `fuzz` writes OUT/RESULT.md, an entry for RESULTS.md.
"""
import argparse
import datetime
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from targets import TARGETS

HERE = Path(__file__).resolve().parent
OUT = Path(os.environ.get("OUT", HERE.parent.parent / "build" / "firmware" / "fuzz")).resolve()
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-g"]
SANITIZERS = ["-O2", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
COVERAGE = ["-O0", "-fsanitize=fuzzer", "-fprofile-instr-generate", "-fcoverage-mapping"]
CORPUS_LIMIT = 300_000
AT_ONCE = 2


def sources(target):
    return [path for name in target.sources for path in sorted(glob.glob(str(HERE / name)))]


def build(target, kind="bin", flags=SANITIZERS):
    program = OUT / kind / target.name
    inputs = [*sources(target), *glob.glob(str(HERE / "*.h")), *glob.glob(str(HERE / "../core/*.h")),
              *glob.glob(str(HERE / "../esp-idf/include/*.h")), str(HERE / "targets.py"), str(HERE / "run.py")]
    if program.exists() and all(os.path.getmtime(path) < program.stat().st_mtime for path in inputs):
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    fresh = program.with_suffix(f".{os.getpid()}")
    subprocess.run(["clang", *FLAGS, *flags, *target.flags, "-o", fresh, *sources(target), "-lz"], cwd=HERE, check=True)
    fresh.rename(program)
    return program


def build_all(kind="bin", flags=SANITIZERS):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda target: build(target, kind, flags), TARGETS))


def unpack(target, folder):
    packed = HERE / "corpus" / f"{target.name}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    if packed.exists():
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)


def make_seeds(folder):
    subprocess.run([sys.executable, HERE / "seeds.py", folder], check=True)


def fuzz_one(target, seconds, short, scratch):
    """Runs one target; returns its figures."""
    grown = scratch / "grown" / target.name if short else OUT / "corpus" / target.name
    committed, findings = scratch / "committed" / target.name, OUT / "findings"
    unpack(target, committed)
    for folder in (grown, findings):
        folder.mkdir(parents=True, exist_ok=True)
    log = OUT / f"{target.name}.log"
    options = [f"-max_total_time={seconds}", f"-max_len={target.longest}", f"-artifact_prefix={findings}/{target.name}-",
               "-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048", *(["-seed=1"] if short else []),
               *([f"-dict={HERE / 'dictionary'}"] if target.words else [])]
    with log.open("w") as out:
        done = subprocess.run([OUT / "bin" / target.name, *options, grown, committed, scratch / "seeds" / target.name],
                              stdout=out, stderr=subprocess.STDOUT, check=False)
    return figures(target, done.returncode, seconds, log.read_text(errors="replace"))


def figures(target, status, seconds, text):
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    covers = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)/", text)
    broken = re.search(r"broken: .*|ERROR: .*|runtime error: .*", text)
    return {"target": target, "status": status, "seconds": seconds, "runs": int(runs.group(1)) if runs else 0,
            "edges": int(covers[-1][0]) if covers else 0, "features": int(covers[-1][1]) if covers else 0,
            "corpus": int(covers[-1][2]) if covers else 0, "broken": broken.group(0) if broken else ""}


def fuzz(seconds, short):
    build_all()
    shares = sum(target.share for target in TARGETS)
    plan = [(target, max(1, round(seconds * AT_ONCE * target.share / shares))) for target in TARGETS]
    plan.sort(key=lambda one: -one[1])
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        scratch = Path(folder)
        make_seeds(scratch / "seeds")
        results = list(pool.map(lambda one: fuzz_one(*one, short, scratch), plan))
    show(results)
    if not short:
        (OUT / "RESULT.md").write_text(entry(results))
    found = [one for one in results if one["status"] != 0]
    for one in found:
        print(f"fuzz: {one['target'].name}: {one['broken'] or 'stopped'}; see {OUT}/{one['target'].name}.log and {OUT}/findings",
              file=sys.stderr)
    return 1 if found else 0


def show(results):
    print(f"{'target':9} {'seconds':>8} {'runs':>11} {'runs/s':>7} {'edges':>6} {'inputs':>6}")
    for one in results:
        print(f"{one['target'].name:9} {one['seconds']:8} {one['runs']:11} {one['runs'] // one['seconds']:7} {one['edges']:6} "
              f"{one['corpus']:6}  {'FINDING: ' + one['broken'] if one['status'] else ''}")


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def entry(results):
    total = sum(one["seconds"] for one in results)
    findings = sum(one["status"] != 0 for one in results)
    lines = [f"## {datetime.date.today().isoformat()}, commit {commit()}: {total / 60:.0f} minutes of CPU, {findings} findings", "",
             "| target | what | seconds | runs | edges | features | inputs | findings |", "|---|---|--:|--:|--:|--:|--:|---|"]
    for one in results:
        target = one["target"]
        lines.append(f"| {target.name} | {target.about} | {one['seconds']} | {one['runs']:,} | {one['edges']} | {one['features']} | "
                     f"{one['corpus']} | {one['broken'] or 'none'} |")
    return "\n".join(lines) + "\n\n"


def record():
    results = HERE / "RESULTS.md"
    head, *entries = results.read_text().split("\n## ", 1)
    results.write_text(head.rstrip() + "\n\n" + (OUT / "RESULT.md").read_text() + "".join(f"## {one}" for one in entries))
    return 0


def merge(target, limit):
    """The smallest inputs that reach what all known ones reach, into a zip of at most `limit` bytes."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        make_seeds(scratch / "seeds")
        unpack(target, scratch / "committed")
        merged = scratch / "merged"
        merged.mkdir()
        known = [scratch / "committed", scratch / "seeds" / target.name]
        if (OUT / "corpus" / target.name).exists():
            known.append(OUT / "corpus" / target.name)
        subprocess.run([OUT / "bin" / target.name, "-merge=1", f"-max_len={target.longest}", merged, *known],
                       check=True, capture_output=True)
        return pack(target, merged, limit)


def pack(target, folder, limit):
    packed = HERE / "corpus" / f"{target.name}.zip"
    packed.parent.mkdir(exist_ok=True)
    kept = 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.iterdir(), key=lambda one: (one.stat().st_size, one.name)):
            if archive.fp.tell() + 130 * kept + path.stat().st_size // 2 > limit:
                break
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
            kept += 1
    return kept, packed.stat().st_size


def corpus():
    build_all()
    shares = sum(target.share for target in TARGETS)
    total = 0
    for target in TARGETS:
        kept, size = merge(target, CORPUS_LIMIT * target.share // shares)
        total += size
        print(f"{target.name:9} {kept:5} inputs {size:7} bytes")
    print(f"{'':9} {'':5}        {total:7} bytes")
    return 0 if total <= CORPUS_LIMIT else 1


def coverage():
    build_all("cover", COVERAGE)
    profiles = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        make_seeds(scratch / "seeds")
        for target in TARGETS:
            unpack(target, scratch / target.name)
            profile = scratch / f"{target.name}.raw"
            subprocess.run([OUT / "cover" / target.name, "-runs=0", scratch / target.name, scratch / "seeds" / target.name],
                           env={**os.environ, "LLVM_PROFILE_FILE": str(profile)}, check=True, capture_output=True)
            if target.name != "minimal" and target.name != "small":
                profiles.append(profile)
        subprocess.run(["llvm-profdata", "merge", "-o", scratch / "all", *profiles], check=True)
        programs = [OUT / "cover" / name for name in ("session", "core", "inflate", "cobs", "unfilter", "asic")]
        objects = [word for program in programs[1:] for word in ("-object", program)]
        report = subprocess.run(["llvm-cov", "report", programs[0], *objects, f"-instr-profile={scratch / 'all'}",
                                 "-ignore-filename-regex=/fuzz/"], check=True, capture_output=True, text=True)
    print(report.stdout)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "fuzz", "corpus", "coverage", "record"])
    parser.add_argument("seconds", type=int, nargs="?", default=20)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if shutil.which("clang") is None:
        print("fuzz: clang is missing: apt install clang libclang-rt-14-dev zlib1g-dev", file=sys.stderr)
        return 1
    if options.what == "build":
        build_all()
        return 0
    if options.what == "fuzz":
        return fuzz(options.seconds, options.short)
    return {"corpus": corpus, "coverage": coverage, "record": record}[options.what]()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"fuzz: {error.cmd[0]} ended with {error.returncode}", file=sys.stderr)
        sys.exit(1)
