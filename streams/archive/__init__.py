"""Backup and restore of the two topics that nothing else can bring back.

The learning-log and the journal `model-lifecycle` determine every state, list and generation.
`backup` copies them to a folder, and goes on where the last backup ended. `restore` writes them
into another cluster with equal offsets, times and bytes, so that states, digests and snapshots fit,
and proves it by folding the restored log. `segments` is the format of the files (Avro, compressed
with Zstandard), and `backup_folder` keeps them with a manifest of their checksums. `accounts` are
the people, tokens and relays, which no log has. `whole_files` writes files whole or not at all.

`export` writes events for other programs: `export_rows` makes the rows, `export_files` the formats.
"""
