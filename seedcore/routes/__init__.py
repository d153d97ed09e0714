"""
Where calls by a name go.

``known`` is what this process knows of it, ``routes`` what people ask and change, ``following``
takes one call along. A route itself is a setting: ``seedcore.settings.routes``.
"""

from seedcore.routes.routes import RouteLine, Routes

__all__ = ["RouteLine", "Routes"]
