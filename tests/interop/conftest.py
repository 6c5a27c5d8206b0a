# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "net")]
from fabric import Fabric  # noqa: E402
from mixed import Mixed, closing, dump  # noqa: E402
from stock_clients import Clients  # noqa: E402
from switch_bed import ENCAPS, switch_bed  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


@pytest.fixture
def mixed(request):
    """Real ovn-northd as central; no host yet: mixed.ovn_host("h1") and mixed.host("h2") add them."""
    yield from closing(Mixed(), request)


@pytest.fixture
def fabric(request):
    """heddle central; no host yet."""
    yield from closing(Fabric(), request)


@pytest.fixture
def clients():
    """Connections of ovsdbapp; ended before the databases are."""
    clients = Clients()
    yield clients
    clients.close()


@pytest.fixture(scope="module", params=ENCAPS)
def bed(request):
    """One switch across a stock host and two of ours, for a whole file."""
    yield from switch_bed(request.param)


@pytest.fixture(autouse=True)
def dump_failure(request):
    bed = request.getfixturevalue("bed") if "bed" in request.fixturenames else None
    yield
    report = getattr(request.node, "report_call", None)
    if report and report.failed and isinstance(bed, Mixed):
        dump(bed)
