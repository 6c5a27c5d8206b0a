# SPDX-License-Identifier: Apache-2.0
import pytest

from tools import HEDDLE, Server, find_peer_schema, find_schema, find_tool


@pytest.fixture
def server(tmp_path):
    """A northbound database with our schema."""
    server = Server(tmp_path, "ours", find_schema("ovn-nb.ovsschema"))
    yield server
    server.stop()


@pytest.fixture
def nb(server):
    return lambda *words, **kwargs: server.run([HEDDLE, "nb"], *words, **kwargs)


@pytest.fixture
def twins(tmp_path, request):
    """Two databases with the same schema, ours or theirs: one for ovn-nbctl, one for heddle nb."""
    theirs = getattr(request, "param", "our schema") == "their schema"
    schema = find_peer_schema("ovn-nb.ovsschema") if theirs else find_schema("ovn-nb.ovsschema")
    servers = [Server(tmp_path, name, schema) for name in ("theirs", "ours")]
    yield Twins(*servers)
    for server in servers:
        server.stop()


class Twins:
    def __init__(self, theirs, ours):
        self.theirs, self.ours = theirs, ours
        self.seed = None  # of random lines
        self.ovn_nbctl = find_tool("ovn-nbctl")

    def run(self, words, environment={}):
        """The same words on both; returns (status, canonical output) of each."""
        return (
            self.theirs.run_canonical([self.ovn_nbctl], words, environment),
            self.ours.run_canonical([HEDDLE, "nb"], words, environment),
        )
