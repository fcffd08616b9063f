"""Infrastructure: embedded servers, the home folder, free ports, and creation of topics.

`memory` says how much there is, and `kubernetes` describes a generation's pods.

It imports only `topics`; the packages of `streams` import it.
"""
