#!/usr/bin/env python3
"""The rules of house_rules.py find what they are for: each on a small tree with one breach."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class HouseRulesTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        with open(os.path.join(ROOT, "cmake/InlayLayers.cmake"), encoding="utf-8") as table:
            self.write("cmake/InlayLayers.cmake", table.read())

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def run_rules(self, *rules):
        done = subprocess.run([sys.executable, os.path.join(HERE, "house_rules.py"), "--root",
                               self.root, *rules], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def expect_breach(self, rule, *parts):
        status, output = self.run_rules(rule)
        self.assertEqual(status, 1, output)
        self.assertEqual(len(output.splitlines()), 1, output)
        for part in parts:
            self.assertIn(part, output)

    def expect_clean(self, rule):
        status, output = self.run_rules(rule)
        self.assertEqual(status, 0, output)

    def test_core_must_not_include_backends(self):
        self.write("backends/plugin/plugin.h", "")
        self.write("core/ir/expr.h", '// x\n#include "backends/plugin/plugin.h"\n')
        self.expect_breach("includes", "core/ir/expr.h:2:", "layer backends")

    def test_core_must_not_include_the_runtime(self):
        self.write("core/a.cpp", '#include <inlay/runtime.h>\n')
        self.expect_breach("includes", "core/a.cpp:1:", "layer runtime")

    def test_runtime_must_not_include_core(self):
        self.write("runtime/src/a.cpp", '#  include "core/support/build_id.h"\n')
        self.expect_breach("includes", "runtime/src/a.cpp:1:", "layer core")

    def test_runtime_must_not_reach_core_by_a_relative_path(self):
        self.write("core/a.h", "")
        self.write("runtime/src/a.cpp", '#include "../../core/a.h"\n')
        self.expect_breach("includes", "runtime/src/a.cpp:1:", "layer core")

    def test_emulator_must_not_include_the_rest_of_the_runtime(self):
        self.write("runtime/emulator/exec/a.cpp", '#include "runtime/src/device.h"\n')
        self.expect_breach("includes", "layer emulator must not use layer runtime")

    def test_llvm_headers_belong_under_backends_llvm(self):
        self.write("backends/llvm/emit/a.cpp", '#include "llvm/IR/Module.h"\n')
        self.expect_clean("includes")
        self.write("backends/cpu/a.cpp", "#include <llvm/IR/Module.h>\n")
        self.expect_clean("includes")
        self.write("backends/cpu/a.h", "#include <llvm/IR/Module.h>\n")
        self.expect_breach("includes", "backends/cpu/a.h:1:", "llvm/IR/Module.h")

    def test_downward_and_foreign_includes_are_fine(self):
        self.write("runtime/abi/table.h", "")
        self.write("core/ir/expr.h", '#include <vector>\n#include "core/ir/type.h"\n')
        self.write("backends/cpu/a.cpp", '#include "core/ir/expr.h"\n#include "runtime/abi/table.h"\n')
        self.write("runtime/src/a.cpp", '#include "inlay/runtime.h"\n#include "runtime/abi/table.h"\n')
        self.write("core/b.cpp", '#include "inlay/abi_hash.h"\n')
        self.expect_clean("includes")

    def test_a_long_file(self):
        self.write("core/a.cpp", "int a;\n" * 850)
        self.expect_clean("lengths")
        self.write("core/a.cpp", "int a;\n" * 851)
        self.expect_breach("lengths", "core/a.cpp:851:", "851 lines")

    def test_a_large_folder(self):
        for number in range(16):
            self.write(f"core/ir/{number}.cpp", "")
            self.write(f"tests/fuzz/corpus/{number}", "")
        self.write("core/ir/.hidden", "")
        self.write("tests/fuzz/corpus/more", "")
        self.expect_clean("folders")
        self.write("core/ir/more/a.cpp", "")
        self.expect_breach("folders", "core/ir:1:", "17 entries")


if __name__ == "__main__":
    unittest.main()
