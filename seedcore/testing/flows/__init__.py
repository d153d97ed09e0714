"""
Flows: what a call does today, replayed by providers, and the gates that providers pass with them.
"""
