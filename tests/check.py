# SPDX-License-Identifier: Apache-2.0
"""Every suite: meson's, then pytest in each directory that has some. Words are handed to pytest.
The last line counts the tests of all: "N passed, N failed, N skipped". Where CI is set in the environment,
a skipped test is a failure: there is nothing that CI may lack."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("HEDDLE_BUILD", ROOT / "build"))


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.names = []

    def add(self, passed=0, failed=0, skipped=0, name=None):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        if failed and name:
            self.names.append(name)


MESON_RUNS = {"dp"}  # directories whose tests are meson's, not to be run twice
BESIDE = "kernel"  # an emulator on one processor, minutes long: while the others run


def pytest_counts(text):
    """(passed, failed, skipped) of pytest's closing line, or None if it is none."""
    found = re.findall(r"^.*\b\d+ (?:passed|failed|skipped|errors?)\b.* in [\d.]+s", text, re.M)
    if not found:
        return None
    count = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", found[-1])}
    return (count.get("passed", 0), sum(count.get(w, 0) for w in ("failed", "error", "errors")),
            count.get("skipped", 0))


def cmocka_counts(text):
    """(passed, failed, skipped) of a cmocka program's output, or None if it is none."""
    ran = [int(n) for n in re.findall(r"^\[=+\].*?(\d+) test\(s\) run", text, re.M)]
    if not ran:
        return None
    failed = sum(int(n) for n in re.findall(r"^\[  FAILED  \].*?(\d+) test\(s\), listed", text, re.M))
    skipped = sum(int(n) for n in re.findall(r"^\[  SKIPPED \].*?(\d+) test\(s\), listed", text, re.M))
    return sum(ran) - failed - skipped, failed, skipped


def has_unit_tests():
    """False where cmocka was missing when the build directory was set up."""
    tests = json.loads(subprocess.check_output(["meson", "introspect", str(BUILD), "--tests"]))
    return any(test["name"] == "util" for test in tests)


def run_meson(count):
    if not has_unit_tests():
        count.add(failed=1, name=f"unit tests, which were not built: meson configure -Dtests=enabled {BUILD}")
    done = subprocess.run(["meson", "test", "-C", str(BUILD), "--print-errorlogs", "--no-rebuild"])
    log = BUILD / "meson-logs" / "testlog.json"
    results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for test in results:
        text = test.get("stdout", "") + "\n" + test.get("stderr", "")
        counts = cmocka_counts(text) or pytest_counts(text)
        good = test["result"] in ("OK", "SKIP")
        if good and counts:
            count.add(*counts)
        elif good:
            count.add(passed=test["result"] == "OK", skipped=test["result"] == "SKIP")
        else:
            passed, failed, skipped = counts or (0, 1, 0)
            count.add(passed, max(failed, 1), skipped, f"meson: {test['name']}")
    if done.returncode and not count.failed:
        count.add(failed=1, name="meson test")


class Suite:
    """pytest in one directory; output: a file for what it says, None for ours."""

    def __init__(self, directory, words, output=None):
        self.name = str(directory.relative_to(ROOT))
        self.output = output
        self.report = tempfile.NamedTemporaryFile(suffix=".xml")
        self.process = subprocess.Popen(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                                         f"--junitxml={self.report.name}", str(directory), *words], cwd=ROOT,
                                        stdout=output, stderr=output and subprocess.STDOUT)

    def finish(self, count):
        status = self.process.wait()
        if self.output:
            self.output.seek(0)
            print(self.output.read().decode(errors="replace"), flush=True)
        try:
            suite = xml.etree.ElementTree.parse(self.report.name).getroot().find("testsuite")
        except xml.etree.ElementTree.ParseError:
            count.add(failed=1, name=self.name)
            return
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        count.add(int(suite.get("tests")) - failed - skipped, failed, skipped, self.name)
        if status not in (0, 5) and not failed:  # 5: no test was selected
            count.add(failed=1, name=self.name)


def main():
    count = Count()
    words = sys.argv[1:]
    run_meson(count)
    suites = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    suites = sorted(directory for directory in suites if directory.name not in MESON_RUNS)
    with tempfile.TemporaryFile() as output:
        beside = [Suite(directory, words, output) for directory in suites if directory.name == BESIDE]
        for directory in suites:
            if directory.name != BESIDE:
                print(f"\n{directory.relative_to(ROOT)}", flush=True)
                Suite(directory, words).finish(count)
        for suite in beside:
            print(f"\n{suite.name}", flush=True)
            suite.finish(count)
    if count.names:
        print("\nfailed: " + ", ".join(count.names))
    forbidden = count.skipped if os.environ.get("CI") else 0
    if forbidden:
        print("\nskipped tests are failures where CI is set")
    print(f"\n{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if count.failed or forbidden or not count.passed else 0


sys.exit(main())
