# SPDX-License-Identifier: Apache-2.0
"""What needs no database: help, versions and wrong usage."""
import re
import subprocess

import pytest

from tools import HEDDLE

COMMANDS = ["up", "central", "host", "nb", "plug", "unplug", "show", "drops", "lab"]


def heddle(*words):
    return subprocess.run([HEDDLE, *words], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)


def test_version():
    for option in ("--version", "-V"):
        done = heddle(option)
        assert done.returncode == 0 and re.fullmatch(r"heddle \d+\.\d+\.\d+\n", done.stdout), done
    version = heddle("--version").stdout.split()[1]
    assert re.fullmatch(rf"heddle nb {re.escape(version)}, OVN_Northbound [\d.]+\n", heddle("nb", "--version").stdout)


def test_help_lists_the_commands():
    done = heddle("--help")
    assert done.returncode == 0 and done.stderr == ""
    assert re.findall(r"^  (\w+)  ", done.stdout, re.MULTILINE) == COMMANDS
    bare = heddle()
    assert bare.returncode == 2 and bare.stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    done = heddle(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"usage: heddle {command} ") and "  --" in done.stdout


@pytest.mark.parametrize("words,why", [
    ("plug", "an argument is missing"),
    ("plug v0", "an argument is missing"),
    ("plug v0 a b", "too many arguments"),
    ("plug --nosuch v0 a", "unknown option --nosuch"),
    ("plug --timeout=0 v0 a", 'option --timeout: "0" is not a number from 1 to 3600'),
    ("plug v0 a --timeout", "option --timeout needs a value"),
    ("plug --no-wait=1 v0 a", "option --no-wait takes no value"),
    ("unplug", "an argument is missing"),
    ("unplug v0 v1", "too many arguments"),
    ("unplug --timeout=x v0", 'option --timeout: "x" is not a number'),
    ("show s0", "too many arguments"),
    ("show --nosuch", "unknown option --nosuch"),
    ("show --format=xml", '--format is text or json, not "xml"'),
    ("show --timeout=0", "option --timeout"),
    ("drops v0", "too many arguments"),
    ("drops --nosuch", "unknown option --nosuch"),
    ("drops --format=xml", '--format is text or json, not "xml"'),
])
def test_wrong_usage(words, why):
    done = heddle(*words.split())
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"heddle {words.split()[0]}: {why}") and done.stderr.count("\n") == 1


def test_unknown_command():
    done = heddle("nosuch")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'heddle: unknown command "nosuch"; "heddle --help" lists them\n'
