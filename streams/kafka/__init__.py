"""Every way to talk to Kafka.

Faust costs about 0.1 ms a message, so its transport is replaced: `batch_transport` has a consumer
(`batch_consumer`, in a thread of `consumer_thread`) whose messages are whole `chunks` of a
partition. `chunks_in_flight` is backpressure and the order of acknowledgements, and `pacer` makes
chunks larger under load; both are pure. `acknowledged_producer` is an idempotent producer that
reports each delivery. `partition_reader`, `log_reader` and `log_writer` read and write outside of
Faust. `waiting` is the one file that waits for a server; `topic_facts` asks for ids and bounds.

It imports no other room: what it needs is passed in.
"""
