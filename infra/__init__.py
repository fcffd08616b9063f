"""Infrastructure: embedded servers, the home folder, free ports, and creation of topics.

`memory` says how much there is.

It imports only `topics`; the packages of `streams` import it.
"""
