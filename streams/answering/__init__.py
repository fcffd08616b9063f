"""Lists on demand: questions, and the answers of the model that serves the listener.

`questions` has what can be asked, and `answers` what comes back, both as JSON. `model_answers`
answers from a fold's state, which it changes nothing in; `mixes` re-weights candidates, and
`wishes` limits them. `question_door` is where the recommender that owns the log takes questions,
beside its fold, and `asking` is who asks. Both meet on `channels` in Redis (decision
0020).
"""
