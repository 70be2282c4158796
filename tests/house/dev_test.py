"""The dev script's command line: what it takes where, and what it answers to what is wrong."""

import subprocess
import sys
import unittest

DEV = sys.argv.pop()


def dev(*words):
    done = subprocess.run([DEV, *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class DevTest(unittest.TestCase):
    def refused(self, sentence, *words):
        status, said = dev(*words)
        self.assertEqual(status, 2, words)
        self.assertIn("dev: error: " + sentence, said)

    def test_help(self):
        for words in [], ["help"], ["--help"], ["build", "-h"], ["--preset", "dev", "help"]:
            status, said = dev(*words)
            self.assertEqual(status, 0, words)
            self.assertIn("usage: ./dev COMMAND", said)

    def test_options_stand_anywhere(self):
        self.refused("build takes no argument: x", "--preset", "dev", "-j", "2", "build", "x")
        self.refused("build takes no argument: x", "build", "--no-install", "x", "-j2")
        self.refused("build takes no argument: --asan", "build", "--", "--asan")

    def test_wrong_words(self):
        self.refused("unknown command `biuld`", "biuld")
        self.refused("no preset `nosuch`", "build", "--preset=nosuch")
        self.refused("no preset `re.ease`", "build", "--preset", "re.ease")
        self.refused("--preset needs a name", "build", "--preset")
        self.refused("-j needs a number, not `0`", "build", "-j", "0")

    def test_files_that_are_not_there(self):
        for words in ["format"], ["format", "--check"], ["lint"]:
            self.refused("there is no file `nosuch.cpp`", *words, "nosuch.cpp")


if __name__ == "__main__":
    unittest.main()
