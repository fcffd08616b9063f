"""Infrastructure: embedded servers, the home folder, free ports, and creation of topics.

It imports only `topics`; the packages of `streams` import it.
"""
