"""
What tests are made with: an upstream that misbehaves on demand, virtual time, a sink.
"""
