"""
``python -m seedcore`` is the command line.
"""

from __future__ import annotations

import sys

from seedcore.cli import main

sys.exit(main())
