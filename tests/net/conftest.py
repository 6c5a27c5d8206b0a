# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fabric import Fabric  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


def dump(f):
    for name, text in f.state():
        print(f"--- {name}\n{text}")


@pytest.fixture
def fabric(request):
    """Central and no host yet: fabric.host("h1") adds one. After a test that passed, every agent must
    agree with itself and have dropped nothing that the test did not expect."""
    f = Fabric()
    try:
        f.start_central()
        yield f
        report = getattr(request.node, "report_call", None)
        if report is None or report.failed:
            dump(f)
            return
        try:
            f.check()
        except AssertionError:
            dump(f)
            raise
    finally:
        f.close()
