"""Dead letters (rejected records): read, indexed, and resent after their cause is fixed.

`dead_letter_reader` reads the topic, and `letter_index` keeps in bounded memory which letters were
resent. `origins` reads from the log which source offsets are rejected, and `resending` resends each
letter once. `streams.sequencing.letter_writer` writes them (dead letter queue, DLQ).
"""
