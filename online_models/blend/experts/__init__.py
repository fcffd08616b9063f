"""The experts: candidate generators, one per file, that also compute features.

An expert holds one kind of knowledge, such as which track follows which. It is a module with the
functions `propose` (generates candidates), `describe` (computes features and traits of all
candidates), `learn` and `count` (update its counts); `roster` states what each does and calls them
all in a fixed order. The experts do not rank: learned weights rank their candidates.

From the simplest to the most elaborate:

* `popularity`: what all listeners play now;
* `transitions`: what is played after a track, a first-order Markov chain;
* `ngrams`: what is played after two or three tracks in order, a Markov chain of higher order;
* `own_history`: what this listener plays again (repeat consumption), and what they love;
* `cooccurrence`: what is played in the same sessions, item-to-item collaborative filtering;
* `neighbours`: what is played in similar sessions, session-based nearest neighbours;
* `artists`: tracks of the same artist, and which artist follows which.

An expert may import `listener`, `candidates`, `kernels`, and arithmetic of another expert, but not
`roster`, nor anything that ranks. A blend with one expert and popularity shows what it proposes:

    >>> from online_models.blend.blend_config import EXPERTS
    >>> from online_models.blend.blend_ranker import BlendRanker
    >>> def first_after(plays, expert):
    ...     model = BlendRanker(without=[name for name in EXPERTS if name != expert])
    ...     for track in plays:
    ...         model.learn_one("miles", track)
    ...     first = model.recommend("miles", k=1)[0]
    ...     return first.item, first.reason
    >>> first_after("abcab", "transitions")
    ('c', 'transition')
    >>> first_after("abcab", "bigrams")
    ('c', 'ngram')
"""
