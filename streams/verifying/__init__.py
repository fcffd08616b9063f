"""`echotune verify`: checks against the logs every promise that can be checked from outside.

`replay_check` folds the log again and compares digests. `deep_check` (`--deep`) also audits the
source (`source_audit`), the log (`log_audit`) and all lists (`store_audit`, `list_audit`, over
`published_lists`). `findings` names the promises (invariants) and records which are broken.
"""
