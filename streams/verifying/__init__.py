"""`echotune verify`: checks against the logs every promise that can be checked from outside.

`digest_check` folds the log again, from its start or between two snapshots (`snapshot_choice`), and
compares digests. `deep_check` (`--deep`) also audits the
source (`source_audit`, which `source_reader` reads again), the log (`log_audit`) and all lists
(`store_audit`, `list_audit`, over `published_lists`); `audit_replay` does so in one pass over the
log. `promises` names the promises (invariants) and records which are broken.
"""
