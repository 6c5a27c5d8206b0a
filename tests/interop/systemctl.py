# SPDX-License-Identifier: Apache-2.0
"""systemctl on a machine of the tests.  Unit files are read as systemd reads them, as far as Debian's OVN and ours go:
Requires, Wants, PartOf, After, Before, Type, Exec lines, [Install].  A unit's processes are those that have its name
in their environment, as a control group would have them."""
import graphlib
import os
import pathlib
import select
import signal
import subprocess
import sys

UNITS = pathlib.Path(os.environ["UNITS"])
LISTS = ("Requires", "Wants", "PartOf", "After", "Before", "WantedBy", "RequiredBy", "Also", "Alias", "RuntimeDirectory",
         "StateDirectory")
OTHERS = ("Type", "ExecStart", "ExecStop", "RuntimeDirectoryPreserve", "AssertPathIsReadWrite")


class Refused(Exception):
    """What systemctl says."""


class Unit:
    def __init__(self, name):
        self.name = name
        self.values = {key: [] for key in LISTS}
        self.environment = []
        text = (UNITS / name).read_text().replace("\\\n", " ")
        for line in text.splitlines():
            key, _, value = line.strip().partition("=")
            if key in LISTS:
                self.values[key] += value.split()
            elif key in OTHERS:
                self.values[key] = value
            elif key == "EnvironmentFile":
                self.environment.append(value)

    def __getitem__(self, key):
        return self.values.get(key, "")

    def is_masked(self):
        return (UNITS / "masked" / self.name).exists()

    def state_file(self):
        return pathlib.Path("/run") / f"{self.name}.exited"  # of a oneshot that remains

    def processes(self):
        mark = f"UNIT={self.name}".encode()
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except OSError:  # it has ended just now
                pass
        return found

    def is_active(self):
        return self.state_file().exists() if self["Type"] == "oneshot" else bool(self.processes())

    def command(self, what):
        files = [f"[ ! -e {f.lstrip('-')} ] || . {f.lstrip('-')}" for f in self.environment]
        return ["sh", "-ec", "\n".join(["set -a", *files, "set +a", f"exec {self[what]}"])]

    def spawn(self, what):
        with open(UNITS / f"{self.name}.log", "ab") as log:
            return subprocess.Popen(self.command(what), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    start_new_session=True, cwd="/", env={**os.environ, "UNIT": self.name})

    def start(self):
        for key, root in (("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib")):
            for name in self[key]:
                pathlib.Path(root, name).mkdir(exist_ok=True)
        needed = self["AssertPathIsReadWrite"]
        if needed and not os.access(needed, os.W_OK):
            raise Refused(f"Assertion failed on job for {self.name}.")
        child = self.spawn("ExecStart")
        if self["Type"] in ("forking", "oneshot") and child.wait():
            raise Refused(f"Job for {self.name} failed; see its log.")
        if self["Type"] == "oneshot":
            self.state_file().touch()

    def stop(self):
        """ExecStop comes also when the processes have ended by themselves, between start and stop."""
        if self["ExecStop"]:
            self.spawn("ExecStop").wait()
        for pid in self.processes():
            end(pid)
        self.state_file().unlink(missing_ok=True)
        if self["RuntimeDirectoryPreserve"] != "yes":
            for name in self["RuntimeDirectory"]:
                subprocess.run(["rm", "-rf", f"/run/{name}"], check=True)


def end(pid):
    try:
        descriptor = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        select.select([descriptor], [], [])
        os.close(descriptor)
    except ProcessLookupError:
        pass


def all_units():
    return {path.name: Unit(path.name) for path in UNITS.glob("*.service")}


def wanted_by(target):
    folder = UNITS / f"{target}.wants"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def find(units, name):
    name = name if name.endswith(".service") else f"{name}.service"
    alias = [unit.name for unit in units.values() if name in unit["Alias"]]
    if name not in units and not alias:
        raise Refused(f"Unit {name} not found.")
    return name if name in units else alias[0]


def closure(names, following):
    """The names and all that follow from them."""
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += following(name)
    return found


def in_order(units, names):
    """As After and Before say."""
    graph = {name: {n for n in units[name]["After"] if n in names} for name in names}
    for name in names:
        for later in units[name]["Before"]:
            if later in names:
                graph[later].add(name)
    return [units[name] for name in graphlib.TopologicalSorter({n: sorted(g) for n, g in sorted(graph.items())})
            .static_order()]


def start(units, *names):
    """With what they require and want; a target is always there."""
    def needs(name):
        required = [n for n in units[name]["Requires"] + wanted_required(units, name) if not n.endswith(".target")]
        for n in required:
            if n not in units or units[n].is_masked():
                raise Refused(f"Failed to start {name}: Unit {n} is {'masked' if n in units else 'not found'}.")
        return required + [n for n in units[name]["Wants"] if n in units and not units[n].is_masked()]

    for name in names:
        if units[name].is_masked():
            raise Refused(f"Failed to start {name}: Unit {name} is masked.")
    for unit in in_order(units, closure(names, needs)):
        if not unit.is_active():
            unit.start()


def wanted_required(units, name):
    """What was enabled with RequiredBy."""
    folder = UNITS / f"{name}.requires"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def stop(units, *names):
    """With all that require them or are part of them."""
    def dependents(name):
        return [u.name for u in units.values() if name in u["Requires"] + u["PartOf"] + wanted_required(units, u.name)]

    for unit in reversed(in_order(units, closure(names, dependents))):
        if unit.name in names or unit.is_active():
            unit.stop()


def links(units, name):
    """What [Install] of a unit asks for; none: it cannot be enabled."""
    unit = units[name]
    found = [UNITS / f"{target}.wants" / name for target in unit["WantedBy"]]
    found += [UNITS / f"{other}.requires" / name for other in unit["RequiredBy"]]
    for other in unit["Also"]:
        found += links(units, other)
    return found


def enable(units, *names):
    for name in names:
        if units[name].is_masked():
            raise Refused(f"Failed to enable unit: Unit {name} is masked.")
        for link in links(units, name):
            link.parent.mkdir(exist_ok=True)
            link.touch()


def disable(units, *names):
    for name in names:
        for link in links(units, name):
            link.unlink(missing_ok=True)


def mask(units, *names):
    (UNITS / "masked").mkdir(exist_ok=True)
    for name in names:
        (UNITS / "masked" / name).touch()


def unmask(units, *names):
    for name in names:
        (UNITS / "masked" / name).unlink(missing_ok=True)


def is_active(units, *names):
    if not all(units[name].is_active() for name in names):
        raise Refused("inactive")


def boot(units):
    """What the machine does by itself."""
    for name in wanted_by("multi-user.target"):
        try:
            start(units, name)
        except Refused as refused:
            print(refused)


VERBS = {"start": start, "stop": stop, "enable": enable, "disable": disable, "mask": mask, "unmask": unmask,
         "is-active": is_active, "boot": boot}
NOW = {"enable": start, "disable": stop, "mask": stop}


def main(verb, *words):
    units = all_units()
    names = [find(units, word) for word in words if not word.startswith("-")]
    VERBS[verb](units, *names)
    if "--now" in words:
        NOW[verb](units, *names)


try:
    main(*sys.argv[1:])
except Refused as refused:
    sys.exit(str(refused))
