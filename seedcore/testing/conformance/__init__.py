"""
The rules that every provider must keep, and what looks at them.
"""
