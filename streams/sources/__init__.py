"""Where plays come from besides producers: history files, and a generated town. No Kafka here.

`plays` says what a parsed row is, `files` opens what people have (files, folders, archives).
`formats` recognises and reads one format a file, `history` makes events of plays in order,
`columnar` makes columns of them for evaluation, `town` generates listeners.
"""
