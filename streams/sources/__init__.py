"""Sources of plays besides producers: history files and generated listeners. No Kafka here.

`plays` defines a parsed row, and `files` opens files, folders and archives. `formats` recognises
and parses one format per module, `history` makes events of plays in order of time, `columnar`
makes columns of plays for evaluation, and `synthetic` generates listeners. `near_duplicates`
recognises plays that another scrobbler reported as well.
"""
