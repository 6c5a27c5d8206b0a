# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "net")]
from fabric import Fabric  # noqa: E402
from mixed import Mixed, closing  # noqa: E402


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
