"""Records that were refused: read, indexed, and sent again once their cause is mended.

`dead_letter_reader` reads the topic, `letter_index` knows in bounded memory which letters were sent
again, `origins` asks the log what became of their source offsets, `replay` sends them, once each.
"""
