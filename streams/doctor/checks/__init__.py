"""The doctor's checks: pure functions from facts to findings, a file a section of the report.

`registry` names all checks in their order; `servers`, `workers`, `log` and `state` hold them.
"""
