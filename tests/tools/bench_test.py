"""inlay-bench end to end on tiny shapes: table, CSV and plot are well-formed and agree, results are
verified, and faults are answered. No timing decides.

    bench_test.py BENCH SCRATCH_FOLDER
"""

import csv
import math
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

BENCH, SCRATCH = sys.argv.pop(1), sys.argv.pop(1)

ROWS = """# tiny
gemm,square,33,33,33
gemm,small,5,7,3
conv,network,1,3,9,5,3,2,1
conv,network,2,8,6,16,1,1,0
conv,network,1,8,7,4,1,2,0
"""


def path(name):
    return os.path.join(SCRATCH, name)


def write(name, text):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


def bench(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=False)


def table_rows(output):
    """group/row -> cells of the table's lines."""
    rows = {}
    for line in output.splitlines():
        cells = line.split()  # group, row, threads, ...
        if len(cells) > 7 and line.startswith("  ") and "x" in cells[1] and cells[1][0].isdigit():
            rows.setdefault(cells[0] + "/" + cells[1], []).append(cells)
    return rows


# Rows and columns of their own, and a padding for each side.
UNEVEN = """conv,uneven,2,3,9x6,5,1x4,2x1,0x1x0x2
conv,uneven,1,4,8,6,3,2,0x0x1x1
nchw,uneven,1,3,7x9,5,3x2,1,2x0
depthwise,uneven,2,5,6x8,5,3x5,1x2,1x2x0x4
"""


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = write("rows.csv", ROWS)
        cls.run_ = bench("--quick", "--rounds", "1", "--threads", "1", "--rows", cls.rows,
                         "--csv", path("out.csv"), "--svg", path("out.svg"))

    def results(self):
        with open(path("out.csv"), encoding="utf-8") as file:
            return list(csv.DictReader(line for line in file if not line.startswith("#")))

    def test_runs_and_says_what_is_left_out(self):
        self.assertEqual(self.run_.returncode, 0, self.run_.stderr)
        for library in ("OpenBLAS", "BLIS", "oneDNN", "XNNPACK", "libxsmm"):
            self.assertIn("\n  " + library, self.run_.stdout)
        self.assertIn("geometric means", self.run_.stdout)
        self.assertIn("[5/5] network/", self.run_.stderr)

    def test_every_row_is_in_the_table(self):
        self.assertEqual(set(table_rows(self.run_.stdout)),
                         {"square/33x33x33", "small/5x7x3", "network/3x9-5k3s2",
                          "network/2x8x6-16k1s1", "network/8x7-4k1s2"})

    def test_csv_has_sound_figures(self):
        results = self.results()
        ours = [r for r in results if r["library"] == "Inlay" and r["group"] != "network"]
        self.assertEqual({r["row"] for r in ours}, {"33x33x33", "5x7x3"})
        for result in results:
            self.assertEqual((result["isa"], result["threads"]), ("native", "1"))
            for column in ("microseconds", "gflops", "peak_gflops", "fraction_of_peak"):
                self.assertTrue(math.isfinite(float(result[column])), result)
                self.assertGreaterEqual(float(result[column]), 0, result)
            self.assertLessEqual(float(result["error_over_bound"]), 1, result)
        for row in ("33x33x33", "5x7x3"):
            names = [r["implementation"] for r in results if r["row"] == row]
            self.assertEqual(len(names), len(set(names)))

    def test_numbers_of_threads_are_measured_in_turn(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("one CPU")
        both = bench("--quick", "--rounds", "1", "--threads", "2,1,2", "--rows", self.rows,
                     "--peers", "openblas", "--csv", path("both.csv"), "square/", "network/3x9")
        self.assertEqual(both.returncode, 0, both.stderr)
        with open(path("both.csv"), encoding="utf-8") as file:
            results = list(csv.DictReader(line for line in file if not line.startswith("#")))
        self.assertTrue(results)
        for library, row in {(r["library"], r["row"]) for r in results}:
            one, two = sorted((r for r in results if (r["library"], r["row"]) == (library, row)),
                              key=lambda r: r["threads"])
            self.assertEqual((one["threads"], two["threads"]), ("1", "2"))
            self.assertEqual(float(one["one_thread_over_this"]), 1)
            ratio = float(one["microseconds"]) / float(two["microseconds"])  # of the one round
            self.assertAlmostEqual(float(two["one_thread_over_this"]) / ratio, 1, delta=0.02)
        self.assertEqual([cells[2] for cells in table_rows(both.stdout)["square/33x33x33"]],
                         ["1", "2"])
        self.assertEqual(both.stdout.count("  times one thread; FMA peak "), 2)
        self.assertRegex(both.stdout, "square, 2 threads +1 times one thread: Inlay ")

    def test_plot_is_xml_and_shows_every_row(self):
        root = ElementTree.parse(path("out.svg")).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
        for result in self.results():
            self.assertIn(result["row"], texts)
        bars = [r for r in root.iter("{http://www.w3.org/2000/svg}rect")
                if r.get("class") == "ours"]
        ours = {r["row"] for r in self.results() if r["library"] == "Inlay"}
        self.assertEqual(len(bars), len(ours) + 1)  # and the legend's
        for bar in bars:
            self.assertGreaterEqual(float(bar.get("height")), 0)
        with open(path("out.svg"), encoding="utf-8") as file:
            self.assertIn("prefers-color-scheme: dark", file.read())

    def test_draws_again_from_csv(self):
        again = bench("--from", path("out.csv"), "--svg", path("again.svg"),
                      "--csv", path("again.csv"))
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(set(table_rows(again.stdout)), set(table_rows(self.run_.stdout)))
        with open(path("out.csv"), encoding="utf-8") as one, \
                open(path("again.csv"), encoding="utf-8") as two:
            self.assertEqual(one.read(), two.read())
        ElementTree.parse(path("again.svg"))

    def test_a_wrong_result_is_an_error(self):
        # The last term of each sum is missing.
        kernels = write("kernels/gemm/sgemm.inlay", """
func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N {
    C[i, j] = 0.0
    for k in 0..K - 1 { C[i, j] += A[i, k] * B[k, j] }
  } }
}
""")
        folder = os.path.dirname(os.path.dirname(kernels))
        wrong = bench("--quick", "--threads", "1", "--rows", self.rows, "--kernels", folder,
                      "--peers", "none", "square/", "--csv", path("wrong.csv"))
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("Inlay is wrong at square 33x33x33", wrong.stderr)
        self.assertFalse(os.path.exists(path("wrong.csv")))

    def test_rows_and_columns_may_differ(self):
        out = bench("--quick", "--rounds", "1", "--threads", "1", "--all-variants", "--rows",
                    write("uneven.csv", UNEVEN))
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual([row for row in table_rows(out.stdout) if row.startswith("uneven/")],
                         ["uneven/2x3x9x6-5k1x4s2x1p0x1x0x2", "uneven/4x8-6k3s2p0x0x1x1",
                          "uneven/3x7x9-5k3x2s1p2x0", "uneven/2x5x6x8-5k3x5s1x2p1x2x0x4"])
        self.assertNotIn("wrong", out.stderr)

    def test_faults_are_answered(self):
        cases = [
            (["--rows", path("missing.csv")], "can't read"),
            (["--rows", write("bad/kind.csv", "gemm,a,1,2\n")], "kind.csv:1: `gemm,a,1,2` is no row"),
            (["--rows", write("bad/size.csv", "\ngemm,a,1,-2,3\n")], "size.csv:2: `-2`"),
            (["--rows", write("bad/x.csv", "conv,a,1,3,4,4,3x,1,0\n")], "x.csv:1: `3x`"),
            (["--rows", write("bad/xx.csv", "conv,a,1,3,4,4,3,1,1x1x1\n")], "top x left x bottom"),
            (["--rows", write("bad/fit.csv", "conv,a,1,3,2,4,5,1,0\n")], "does not fit"),
            (["--rows", write("bad/none.csv", "# only words\n")], "has no row"),
            (["--rows", self.rows, "nothing-like-it"], "--list shows them"),
            (["--rows", self.rows, "--peers", "mkl"], "no peer is called `mkl`"),
            (["--rows", self.rows, "--threads", "1000"], "this process may use"),
            (["--rows", self.rows, "-t", "pdp11", "--threads", "1"], "pdp11"),
            (["--from", write("bad/from.csv", "a,b\n1,2\n")], "from.csv:1"),
        ]
        for arguments, words in cases:
            answer = bench(*arguments)
            self.assertEqual(answer.returncode, 1, (arguments, answer.stderr))
            self.assertIn(words, answer.stderr, arguments)


unittest.main(verbosity=2)
