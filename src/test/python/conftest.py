"""Paths, and the interpreters and servers that the tests run against."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHIM = HERE.parent.parent / "main" / "python"
sys.path[:0] = [str(HERE), str(SHIM)]
os.environ["PYTHONPATH"] = str(SHIM)
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
