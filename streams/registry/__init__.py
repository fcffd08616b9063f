"""A Confluent-compatible schema registry, for producers that have one; replay never needs it.

`schema_registry` is the interface, `http_schema_registry` and `memory_schema_registry` implement
it. `writer_schemas` has the schemas that events were written with, `contracts` registers
EchoTune's own, and `registered_id` waits for the schema id of the published lists.
"""
