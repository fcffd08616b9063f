"""The people whom EchoTune serves over HTTP, and the tokens by which it knows them.

A person is a listener with rights: the name is the listener's id. A token proves who sends a
request; only its digest is stored. Read `people` first: the two records, names, tokens and their
digests, and `KnownPeople`, which says whose token it is; pure. `mongo_people` stores both in
MongoDB and counts the changes. `people_directory` keeps all of them in memory, so that a request
waits for no server, and learns of each change at once. `account_documents` are all accounts as a
backup takes them and brings them back.

Plays are not kept here. Who is removed can no longer ask or send; to forget what a listener played
takes an ERASE event.
"""
