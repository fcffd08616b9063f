"""Shared access to Kafka: chunks for Faust, producers, readers, settings and waiting.

Faust costs about 0.1 ms per message, so its transport is replaced: `batch_transport` has a consumer
(`batch_consumer`, which fetches in a `consumer_thread`) whose messages are whole `chunks` of a
partition. `backpressure` decides on backpressure and the order of acknowledgements, and `pacer`
makes chunks larger under load; both are pure. `balanced_assignor` shares partitions among members,
and `throttle` says how fast a replay may go beside live folds. `idempotent_producer` is an
idempotent producer that reports each delivery. `partition_reader`, `log_reader` and `log_writer`
read and write outside of Faust. `retries` repeats calls until Kafka answers (transactions, control
records and Redis have retry loops of their own), and `topic_facts` reads topic ids and offset
bounds. `log_places` finds offsets by time, and `voided_records` are records of the log that people
have declared void.

`cluster` is an address with credentials; `client_settings` makes settings of it for librdkafka's
clients and `faust_credentials` for Faust, with `tls` and `oauth_tokens`. What a cluster refuses is
put into words by `refusals`, with `rights` (ACLs), `listener_probe` (what a port speaks) and
`group_refusal` (a consumer group). `bounded_fetches` bounds the memory of a hostile batch,
`size_limit` is the largest batch of a topic, and `open_transactions` finds producers that neither
commit nor abort.

This package imports no other package of `streams`: callers pass in what it needs.
"""
