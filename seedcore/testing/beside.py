"""
Modules that lie beside a test.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def module_beside(file: str, name: str) -> ModuleType:
    """
    Import the module *name* from the folder of *file*, which is mostly ``__file__`` of a conftest.

    pytest imports tests without their folder on ``sys.path``, and two plugins may both have an
    ``upstream.py``. Raises ``FileNotFoundError`` if there is none.
    """
    path = Path(file).with_name(f"{name}.py")
    if not path.is_file():
        msg = f"{path.name} doesn't lie beside {Path(file).name}"
        raise FileNotFoundError(msg)
    full = f"{path.parent.parent.name.replace('-', '_')}_tests_{name}"
    spec = importlib.util.spec_from_file_location(full, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    spec.loader.exec_module(module)
    return module
