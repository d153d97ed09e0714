"""
Many processes, real faults, minutes of them: ``pytest -m soak tests/soak``.
"""
