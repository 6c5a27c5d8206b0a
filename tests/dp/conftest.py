# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import fabric  # noqa: E402


@pytest.fixture(params=["tcx", "clsact"])
def bench(request):
    b = fabric.Bench(clsact=request.param == "clsact")
    yield b
    b.remove()


@pytest.fixture
def tap_bench():
    b = fabric.Bench(tap=True)
    yield b
    b.remove()
