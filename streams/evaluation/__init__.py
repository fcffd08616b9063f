"""Evaluation of models: how good the lists would have been, on files or on the learning-log.

`plays_pass` and `log_pass` feed events to the compared models (`contests`), each of which ranks
before it learns (prequential evaluation). `report` and `curve` compute figures, and `known_tracks`
introduces a catalogue. `comparison` says which of two generations is better, one of which may be a
`late_ranker`; `by_served` compares the listeners whom each of them served.
`docs/evaluation.md` defines what is measured.
"""
