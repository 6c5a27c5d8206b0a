# SPDX-License-Identifier: Apache-2.0
"""Directories that are named from where the agent was started."""
import os
import signal

import pytest

from agent import HEDDLE, Host, wait_for


class RelativeHost(Host):
    def argv(self, *more):
        return ["env", "-C", str(self.dir), *self.inside(HEDDLE, "host", "--state-dir=state", "--run-dir=run",
                                                         "--system-id=rel", *more)]

    def env(self):
        return {**os.environ, "OVS_RUNDIR": "ovs"}


@pytest.fixture
def host(tmp_path):
    host = RelativeHost(tmp_path)
    yield host
    host.close()


def test_everything_is_where_it_was_asked_for(host):
    host.start().wait_log("integration bridge br-int")
    for path in "state/conf.db", "ovs/db.sock", "run/db.pid", "run/db.ctl", "run/rel/lock":
        assert (host.dir / path).exists(), path
    assert "br-int" in host.vsctl("list-br").stdout
    host.stop(signal.SIGKILL)
    host.start()
    wait_for(lambda: host.log().count("integration bridge br-int") == 2, "it has started again", host.log)
