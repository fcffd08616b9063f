"""Infrastructure: embedded servers, the home folder, free ports, and creation of topics.

`preflight` says what a machine lacks, and `setup` downloads Kafka's jars. `embedded_servers` starts
and stops `kafka_server`, `redis_server` and `mongo_server`, each a `daemon` that holds a
`server_lock`. `home` has the files of the home folder, `topic_creation` makes the topics, and
`interruptible` lets Ctrl-C end long calls into C. `memory` says how much there is, and `kubernetes`
describes a generation's pods.

It imports only `topics`; the packages of `streams` import it.
"""
