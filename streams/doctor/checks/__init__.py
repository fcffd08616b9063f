"""The doctor's checks: pure functions from facts to findings, one file per section.

`all_checks` lists all checks in the order of the report; the other modules contain them.
"""
