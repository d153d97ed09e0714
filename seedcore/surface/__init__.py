"""
What every surface takes and says, as plain data: each renders it in its own way.
"""
