"""
What ``seedcore demo`` shows: calls to a site that fails, and what the contract makes of it.
"""
