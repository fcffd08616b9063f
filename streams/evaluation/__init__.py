"""Evaluation: how good the lists would have been, on files or on the learning-log.

`plays_pass` and `log_pass` put events to a `Contest` of models; `report` and `curve` say how they
did. docs/evaluation.md says what is measured.
"""
