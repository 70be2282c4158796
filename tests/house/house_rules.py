#!/usr/bin/env python3
"""Rules of the house that no compiler checks.

  lengths   no source file over MAX_LINES lines
  folders   no folder over MAX_ENTRIES entries (hidden ones and test data do not count)
  includes  an #include reaches only layers that cmake/InlayLayers.cmake allows, and LLVM, Clang and
            LLD are named under backends/llvm, in sources of backends and in tests/; their headers stay out of the headers
            of all other folders

Exit status 1 and one line per breach, `file:line: what and why`.
"""

import argparse
import os
import re
import subprocess
import sys

MAX_LINES = 850
MAX_ENTRIES = 16

SOURCE = re.compile(r"\.(h|c|cc|cpp|def|inc|py|cmake|inlay|md|S|s|ll|txt|in)$|(^|/)(dev|run)$")
CXX = re.compile(r"\.(h|c|cc|cpp|def|inc)$")
DATA_FOLDERS = {"data", "corpus", "seeds", "golden"}

# The layer of a folder; the longest match decides. kernels/ is data and includes nothing of ours.
FOLDERS = {
    "core/": "core",
    "backends/": "backends",
    "runtime/abi/": "runtime_abi",
    "runtime/": "runtime",
    "runtime/emulator/": "emulator",
    "tools/": "tools",
    "tests/": "tests",
}
# Spelled from another include folder than the repository: public and generated headers.
PUBLIC = {"inlay/build_id.h": "core", "inlay/abi_hash.h": "core", "inlay/": "runtime"}

LLVM = re.compile(r"^(llvm|llvm-c|clang|clang-c|lld)/")
LLVM_FOLDERS = ("backends/llvm/", "tests/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def longest_match(table, path):
    matches = [prefix for prefix in table if path.startswith(prefix)]
    return table[max(matches, key=len)] if matches else None


def allowed_layers(root):
    """The table of cmake/InlayLayers.cmake: layer -> set of the layers that it may use."""
    with open(os.path.join(root, "cmake/InlayLayers.cmake"), encoding="utf-8") as file:
        rows = re.findall(r'^set\(INLAY_LAYER_ALLOWED_(\w+)\s+"([\w;]*)"\)', file.read(), re.M)
    if not rows:
        sys.exit("cmake/InlayLayers.cmake: no row `set(INLAY_LAYER_ALLOWED_... \"...\")` found")
    return {layer: {layer, *filter(None, uses.split(";"))} for layer, uses in rows}


def files_of(root):
    """Files that belong to the project: git's, or all outside build folders where git has no say."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True, check=False) if os.path.exists(os.path.join(root, ".git")) else None
    if listed is not None and listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return sorted({n for n in names if n and os.path.isfile(os.path.join(root, n))})
    found = []
    for folder, subfolders, names in os.walk(root):
        relative = os.path.relpath(folder, root)
        subfolders[:] = [s for s in subfolders
                         if s not in (".git", "__pycache__", ".cache")
                         and not (relative == "." and s.startswith("build"))]
        found += [os.path.normpath(os.path.join(relative, n)) for n in names]
    return sorted(found)


def is_data(path):
    return not DATA_FOLDERS.isdisjoint(path.split("/")[:-1])


def lengths(root, files, problem):
    for path in files:
        if not SOURCE.search(path) or is_data(path):
            continue
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            count = sum(1 for _ in file)
        if count > MAX_LINES:
            problem(path, count, f"{count} lines, more than {MAX_LINES}: split it by purpose")


def folders(_root, files, problem):
    entries = {}
    for path in files:
        parts = path.split("/")
        for depth, part in enumerate(parts):
            if not part.startswith("."):
                entries.setdefault("/".join(parts[:depth]) or ".", set()).add(part)
    for folder, names in sorted(entries.items()):
        if len(names) > MAX_ENTRIES and not is_data(folder + "/"):
            problem(folder, 1, f"{len(names)} entries, more than {MAX_ENTRIES}: group them")


def includes(root, files, problem):
    allowed = allowed_layers(root)
    for layer in set(FOLDERS.values()) - allowed.keys():
        problem("cmake/InlayLayers.cmake", 1, f"no row for layer {layer}")
    known = set(files)
    for path in files:
        layer = longest_match(FOLDERS, path)
        if not CXX.search(path) or layer not in allowed or is_data(path):
            continue
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match.group(2)
            plugin_source = path.startswith("backends/") and path.endswith(".cpp")
            if LLVM.match(name) and not path.startswith(LLVM_FOLDERS) and not plugin_source:
                problem(path, number, f"{name}: LLVM's headers belong under backends/llvm, and into "
                                      "the sources of the backends that use it")
                continue
            beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
            if match.group(1) == '"' and beside in known:
                target = longest_match(FOLDERS, beside)
            else:
                target = longest_match(PUBLIC, name) or longest_match(FOLDERS, name)
            if target and target not in allowed[layer]:
                problem(path, number, f"{name}: layer {layer} must not use layer {target}; "
                        f"it may use {', '.join(sorted(allowed[layer]))}")


def main():
    rules = {rule.__name__: rule for rule in (lengths, folders, includes)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True)
    parser.add_argument("rules", nargs="+", choices=rules)
    options = parser.parse_args()
    problems = []
    files = files_of(options.root)
    if not files:
        sys.exit(f"{options.root}: no file found")
    for name in options.rules:
        rules[name](options.root, files,
                    lambda path, line, text: problems.append(f"{path}:{line}: {text}"))
    print("\n".join(problems) if problems else f"{len(files)} files keep the rules")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
