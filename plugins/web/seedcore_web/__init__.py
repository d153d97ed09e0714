"""
A JSON API and a page for every provider: ``seedcore serve``.
"""
