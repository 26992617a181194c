"""Paths and fixtures that all tests use."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHIM = HERE.parent.parent / "main" / "python"
sys.path[:0] = [str(HERE), str(SHIM)]
os.environ["PYTHONPATH"] = str(SHIM)
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

from fakeagent import FakeAgent  # noqa: E402


@pytest.fixture
def agent():
    """A fake agent; every process it started is gone after the test."""
    with FakeAgent() as agent:
        yield agent
