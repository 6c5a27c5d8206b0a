# SPDX-License-Identifier: Apache-2.0
"""heddle lab: up, down, status, exec, and the demo, which leaves nothing behind."""
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess

import pytest
from fabric import HEDDLE, PEERS, run, wait_for


@pytest.fixture
def name():
    name = "t" + secrets.token_hex(3)
    yield name
    run(HEDDLE, "lab", "down", f"--name={name}", check=False)
    assert remains(name) == []


def remains(name):
    """Namespaces, directories, mounts and processes that carry a lab's name."""
    found = [n for n in os.listdir("/run/netns") if n.startswith(f"hl-{name}-")]
    if os.path.exists(f"/run/heddle/lab/{name}"):
        found.append(f"/run/heddle/lab/{name}")
    found += [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
              if f"/lab/{name}/" in line]
    for proc in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = proc.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"/lab/{name}/" in words:
            found.append(words.replace("\0", " "))
    return found


def lab(command, name, *args, **kw):
    return run(HEDDLE, "lab", command, f"--name={name}", *args, timeout=180, **kw)


def programs(name):
    """"HOST/PROGRAM" of each that was started."""
    top = pathlib.Path(f"/run/heddle/lab/{name}")
    return {str(path.relative_to(top).with_suffix("")) for path in top.glob("*/*.pid")}


def pid_of(name, program):
    return int(pathlib.Path(f"/run/heddle/lab/{name}/{program}.pid").read_text().split()[0])


def test_up_status_exec_down(name):
    assert "is up" in lab("up", name)
    assert "up already" in lab("up", name)
    status = lab("status", name)
    for word in ("controller", "hypervisor", "heddle central", "heddle host", "ovsdb-server", "MB",
                 "ls0-ns1", "localport"):
        assert word in status, status
    assert " 0% packet loss" in lab("exec", name, "ns1", "ping", "-c1", "-W1", "10.0.1.20")
    done = lab("exec", name, "hypervisor/ns3", "ping", "-c1", "-W1", "10.0.1.10", check=False)
    assert "100% packet loss" in done.stdout and done.returncode == 1
    assert "ls0-ns2" in lab("exec", name, "controller", "heddle", "show")
    assert "tunnel 192.168.33.10 > 192.168.33.20" in lab("exec", name, "controller", "heddle", "show")
    assert "ls0-ns2" in lab("exec", name, "hypervisor", "heddle", "nb", "show")
    assert "localport_to_remote" in lab("exec", name, "hypervisor", "heddle", "drops")
    assert "ns2" in lab("exec", name, "hypervisor", PEERS / "usr/bin/ovs-vsctl", "show")
    assert "ls0" in lab("exec", name, "controller", PEERS / "usr/bin/ovn-nbctl", "show")
    assert "is gone" in lab("down", name)
    assert remains(name) == []
    assert "was not up" in lab("down", name)


def start_up(name, until):
    """A "lab up" at work that has made a file of the lab just now."""
    up = subprocess.Popen([HEDDLE, "lab", "up", f"--name={name}"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    wait_for(until, lambda: os.path.exists(f"/run/heddle/lab/{name}/{until}"))
    return up


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", ["hosts", "controller/central.pid", "hypervisor/host.pid"])
def test_up_interrupted(name, at, sig):
    up = start_up(name, at)
    up.send_signal(sig)
    text = up.communicate(timeout=60)[0]
    assert up.returncode == 128 + sig and "interrupted" in text, text
    assert remains(name) == []


def test_up_that_fails_half_way(name, tmp_path):
    ip = tmp_path / "ip"
    ip.write_text(f"""#!/bin/sh
commands=$(cat)
case $commands in *"mtu 1442"*) echo "no such thing today"; exit 1 ;; esac
echo "$commands" | {shutil.which("ip")} "$@"
""")
    ip.chmod(0o755)
    done = lab("up", name, check=False, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1 and "no such thing today" in done.stdout
    assert remains(name) == []


def kill_up(up, name):
    up.kill()
    up.communicate(timeout=60)
    wait_for("nobody is at work on it", lambda: "at work" not in lab("up", name, check=False).stdout)


def is_incomplete(name, reason):
    """"lab up" and "lab status" refuse and say why; the status, to look at."""
    up = lab("up", name, check=False)
    assert up.returncode == 1 and len(up.stdout.splitlines()) == 1, up.stdout
    status = lab("status", name, check=False)
    assert status.returncode == 1, status.stdout
    for line in up.stdout, status.stdout.splitlines()[-1]:
        assert re.search(f'lab "{name}" is incomplete .*({reason}).*: "heddle lab down" first', line), line
    return status.stdout


@pytest.mark.parametrize("at", ["hosts", "controller/central.pid", "controller/host.pid"])
def test_up_killed(name, at):
    kill_up(start_up(name, at), name)
    status = is_incomplete(name, r"heddle \w+ on \w+ is not running")
    assert re.search("heddle host +not running", status), status
    assert "is gone" in lab("down", name)
    wait_for("nothing remains", lambda: remains(name) == [])


def test_up_killed_before_the_network_was_there(name):
    """Every program runs, and still it is no lab."""
    up = start_up(name, "controller/host.pid")
    os.kill(pid_of(name, "controller/central"), signal.SIGSTOP)  # keeps "heddle nb" waiting
    wait_for("the last agent", lambda: os.path.exists(f"/run/heddle/lab/{name}/hypervisor/db.sock"))
    kill_up(up, name)
    os.kill(pid_of(name, "controller/central"), signal.SIGCONT)
    is_incomplete(name, '"heddle lab up" did not finish')


def test_a_program_that_was_killed(name):
    lab("up", name)
    os.kill(pid_of(name, "hypervisor/host"), signal.SIGKILL)
    wait_for("it is seen", lambda: "not running" in lab("status", name, check=False).stdout)
    status = is_incomplete(name, "heddle host on hypervisor is not running")
    assert "heddle central" in status and "hypervisor/host.log" in status


def test_three_hosts(name):
    lab("up", name, "--hosts=3")
    assert " 0% packet loss" in lab("exec", name, "ns1", "ping", "-c1", "-W1", "10.0.1.40")
    assert " 0% packet loss" in lab("exec", name, "host3/ns3", "ping", "-c1", "-W1", "10.0.1.40")


def test_memory_stays_small(name):
    lab("up", name)
    limits = {"controller/central": 15 * 1024, "controller/host": 20 * 1024, "hypervisor/host": 20 * 1024}
    assert set(limits) == programs(name)
    for program, limit in limits.items():
        status = pathlib.Path(f"/proc/{pid_of(name, program)}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0])
        assert 0 < resident < limit, f"{program}: {resident} KiB"


def test_down_after_a_crash(name):
    lab("up", name)
    for program in programs(name):
        os.kill(pid_of(name, program), signal.SIGKILL)
    assert "not running" in lab("status", name, check=False).stdout
    lab("down", name)
    wait_for("nothing remains", lambda: remains(name) == [])


def test_demo(name):
    text = lab("demo", name)
    assert "Everything as expected." in text
    assert max(len(line) for line in text.splitlines()) < 100
    assert "\033" not in text
    assert "ports 1 > 2" in text and "ports 2 > 1" in text and "ICMP echo request" in text
    assert remains(name) == []


@pytest.mark.parametrize("misdeed, said", [
    ("echo '3 packets transmitted, 3 received'", "Not everything is as expected."),
    ("echo 'ping: no network today'; exit 2", "heddle: demo: ping: ping: no network today"),
    ("kill -KILL $PPID", "heddle: demo: ended by signal 9"),
])
def test_demo_that_goes_wrong_half_way(name, tmp_path, misdeed, said):
    """From the third ping on. A lie is found by what is not on the wire."""
    ping = tmp_path / "ping"
    ping.write_text(f"""#!/bin/sh
echo >>{tmp_path}/calls
[ $(wc -l <{tmp_path}/calls) -gt 2 ] || exec {shutil.which("ping")} "$@"
{misdeed}
""")
    ping.chmod(0o755)
    done = lab("demo", name, check=False, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1 and said in done.stdout, done.stdout
    assert done.stdout.count("   as expected") >= 2, done.stdout
    assert remains(name) == []


@pytest.mark.parametrize("after", ["heddle plug", "ping:"])
def test_demo_interrupted(name, after):
    demo = subprocess.Popen([HEDDLE, "lab", "demo", f"--name={name}"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    for line in demo.stdout:
        if after in line:
            break
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    assert demo.wait(60) == 128 + signal.SIGINT
    assert remains(name) == []


def test_wrong_usage():
    for words in (["lab"], ["lab", "nosuch"], ["lab", "up", "--name=../x"], ["lab", "up", "more"],
                  ["lab", "up", "--hosts=1"], ["lab", "exec"]):
        done = run(HEDDLE, *words, check=False)
        assert done.returncode == 2 and len(done.stdout.splitlines()) == 1, (words, done.stdout)
    assert run(HEDDLE, "lab", "status", "--name=nosuch", check=False).returncode == 1


def test_a_signal_that_is_ignored_interrupts_nothing(name):
    """As under nohup, and SIGINT in the background of a script."""
    up = subprocess.Popen(["sh", "-c", 'trap "" HUP; exec "$@"', "sh", HEDDLE, "lab", "up", f"--name={name}"],
                          stdout=subprocess.DEVNULL)
    wait_for("it has begun", lambda: os.path.exists(f"/run/heddle/lab/{name}"))
    up.send_signal(signal.SIGHUP)
    assert up.wait(120) == 0
    assert "ls0-ns1" in lab("status", name)
