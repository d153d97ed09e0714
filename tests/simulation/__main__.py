"""
``python tests/simulation`` plays every fault row; ``--help`` tells the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Started as a folder, Python looks for modules in it, not beside it.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from simulation.run import main  # noqa: E402 - can't be found before

sys.exit(main())
