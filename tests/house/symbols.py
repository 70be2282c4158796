#!/usr/bin/env python3
"""Says whether ELF files use LLVM, Clang or LLD: by a needed library, or by a symbol they define or
want. Exit status 0 if none does (with --expect-llvm: if all do), 1 otherwise or if a file is not
there."""

import argparse
import os
import re
import subprocess
import sys

NEEDED = re.compile(r"\(NEEDED\).*\[(lib(?:LLVM|clang|LTO|lld)[^\]]*)\]")
# C++ names inside these namespaces (also as parameters, and their vtables), and the C APIs.
SYMBOL = re.compile(r"^_Z\S*?(?:4llvm|5clang|3lld)[A-Z0-9]|^LLVM[A-Z]|^clang_[a-z]")


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def llvm_traces(path):
    found = NEEDED.findall(output_of("readelf", "-d", path))
    for table in ("-D", "-a"):  # dynamic symbols stay when the file is stripped
        for line in output_of("nm", table, "-P", path).splitlines():
            name = line.split(" ", 1)[0].split("@", 1)[0]
            if SYMBOL.match(name):
                found.append(name)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expect-llvm", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    failed = False
    for path in options.files:
        if not os.path.isfile(path):
            print(f"{path}: not there")
            failed = True
            continue
        traces = llvm_traces(path)
        print(f"{path}: {len(traces)} traces of LLVM {', '.join(traces[:5])}")
        failed |= bool(traces) != options.expect_llvm
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
