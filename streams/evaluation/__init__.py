"""Evaluation: how good the lists would have been, on files or on the learning-log.

`plays_pass` and `log_pass` put events to a contest of models (`contests`), each of which ranks
before it learns (prequential evaluation); `report` and `curve` say how they did, and `known_tracks`
brings a catalogue. `docs/evaluation.md` says what is measured.
"""
