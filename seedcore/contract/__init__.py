"""
What makes a call reliable: pure rules about errors, delays, circuits, pauses and slots.

Nothing here knows plugins, the database or an HTTP client.
"""
