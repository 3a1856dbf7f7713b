"""Does a scheduler keep to its document (`openapi/scheduler-v1.json`)? Every rule is asked over the wire, by name.

Nothing here knows the adapter: the rules are what a plant that writes a shim is held to, more strictly than by the
adapter, which reads with tolerance.
"""
