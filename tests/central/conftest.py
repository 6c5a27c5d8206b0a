# SPDX-License-Identifier: Apache-2.0
import signal
import subprocess

import pytest

from ovsdb import HEDDLE, Database, find_schema, find_tool, wait_for


class Pair:
    """A northbound and a southbound database, and the program that keeps the second in step."""

    def __init__(self, directory, sb_schema=None):
        self.dir = directory
        self.dir.mkdir()
        self.nb = Database(directory, "nb", find_schema("ovn-nb.ovsschema"))
        self.sb = Database(directory, "sb", sb_schema or find_schema("ovn-sb.ovsschema"))
        self.nb.transact({"op": "insert", "table": "NB_Global", "row": {}})
        self.programs = []

    def run(self, argv, log):
        out = open(self.dir / log, "ab")
        program = subprocess.Popen([str(word) for word in argv], stdout=out, stderr=out)
        self.programs.append(program)
        return program

    def run_heddle(self, *more, log="central.log"):
        return self.run([HEDDLE, "central", f"--nb=unix:{self.nb.socket}", f"--sb=unix:{self.sb.socket}",
                         *more], log)

    def run_northd(self):
        return self.run([find_tool("ovn-northd"), f"--ovnnb-db=unix:{self.nb.socket}",
                         f"--ovnsb-db=unix:{self.sb.socket}", f"--unixctl={self.dir}/northd.ctl"],
                        "northd.log")

    def end(self, program):
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=10) is not None
        self.programs.remove(program)

    def log(self, name="central.log"):
        return (self.dir / name).read_text(errors="replace")

    def sync(self):
        """Returns once the program has written everything that the northbound database says."""
        self.nb.transact({"op": "mutate", "table": "NB_Global", "where": [],
                          "mutations": [["nb_cfg", "+=", 1]]})
        wait_for(self.is_synced, "sb_cfg follows nb_cfg", self.dump)

    def is_synced(self):
        row = self.nb.rows("NB_Global")[0]
        return row["sb_cfg"] == row["nb_cfg"]

    def dump(self):
        logs = [f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
                for path in self.dir.glob("*.log")]
        return "\n".join(logs + [str(self.nb.rows("NB_Global"))])

    def check(self, program):
        """The rows are what a computation from scratch gives."""
        before = self.log().count("check: ")
        program.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.log().count("check: ") > before, "the check's answer")
        last = [line for line in self.log().splitlines() if line.startswith("check: ")][-1]
        assert last == "check: same"

    def close(self):
        for program in list(self.programs):
            program.terminate()
            program.wait(timeout=10)
        self.nb.stop()
        self.sb.stop()


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path / "a")
    yield pair
    pair.close()


@pytest.fixture
def pairs(tmp_path):
    """Two of them: one for heddle central, one for ovn-northd."""
    ours, theirs = Pair(tmp_path / "heddle"), Pair(tmp_path / "northd")
    yield ours, theirs
    ours.close()
    theirs.close()
