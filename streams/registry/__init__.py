"""A Confluent-compatible schema registry, for producers that have one; replay never needs it.

`schema_registry` is the interface, `http_schema_registry` and `memory_schema_registry` implement
it. `writer_schemas` knows the schemas that events were written with, `contracts` registers
EchoTune's own, `registered_id` waits for the id under which lists are published.
"""
