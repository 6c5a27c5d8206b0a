# SPDX-License-Identifier: Apache-2.0
"""Addresses and certificates that stock tools set in the embedded databases have effect."""
import pytest
from fabric import run, wait_for
from mixed import tool

# Of each database: where it is, its tool, the command for addresses, the row that says how it goes, a question.
DATABASES = {
    "northbound": ("ovn-nbctl", "set-connection", "Connection", ["ls-list"], "s0"),
    "southbound": ("ovn-sbctl", "set-connection", "Connection", ["--bare", "--columns=logical_port", "list",
                                                                "Port_Binding"], "a"),
    "local": ("ovs-vsctl", "set-manager", "Manager", ["list-br"], "br-int"),
}


class Database:
    def __init__(self, fabric, name):
        fabric.switch("s0", ("a", "0a:00:00:00:00:01 10.0.0.1"))
        host = fabric.host("h1")
        self.space = host if name == "local" else fabric.underlay
        self.remote = {"northbound": fabric.nb_remote, "southbound": fabric.sb_remote, "local": host.db}[name]
        self.program, self.set_remote, self.table, self.question, self.answer = DATABASES[name]
        self.process = host.agent if name == "local" else fabric.central

    def ask(self, *words, remote=None, options=()):
        return self.space.run(tool(self.program), f"--db={remote or self.remote}", "--timeout=10", *options, *words)

    def port(self):
        """Of the address that was set: one that was free."""
        row = f"--columns=status --bare list {self.table}".split()
        return wait_for("bound_port", lambda: dict(
            pair.split("=") for pair in self.ask(*row).split()).get("bound_port"))

    def listen(self, kind):
        self.ask(self.set_remote, f"{kind}:0:127.0.0.1")
        return f"{kind[1:]}:127.0.0.1:{self.port()}"


@pytest.fixture
def database(fabric, request):
    return Database(fabric, request.param)


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_an_address_set_in_the_database(database):
    remote = database.listen("ptcp")
    assert database.answer in database.ask(*database.question, remote=remote)
    database.ask(database.set_remote.replace("set", "del"))
    wait_for("nobody listens", lambda: database.space.run(
        tool(database.program), f"--db={remote}", "--timeout=2", *database.question, check=False).returncode)


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_it_is_there_again_after_a_restart(fabric, database):
    database.listen("ptcp")
    database.process.stop()
    if database.space is fabric.underlay:
        fabric.start_central()
    else:
        fabric.hosts["h1"].start_agent()
    assert database.answer in database.ask(*database.question, remote=f"tcp:127.0.0.1:{database.port()}")


def make_certificates(folder):
    folder.mkdir()
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
        "/CN=heddle-test", "-keyout", folder / "key", "-out", folder / "certificate")
    return [folder / "key", folder / "certificate", folder / "certificate"]


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_certificates_set_in_the_database(fabric, database):
    key, certificate, authority = make_certificates(fabric.dir / "pki")
    database.ask("set-ssl", key, certificate, authority)
    remote = database.listen("pssl")
    assert database.answer in database.ask(*database.question, remote=remote, options=[
        f"--private-key={key}", f"--certificate={certificate}", f"--ca-cert={authority}"])
