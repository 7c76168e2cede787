"""One order over all shards: numbers given out before a write, and how a reader crosses the gaps.

`order` knows no host; `sequencer` gives the numbers out and serves readers, `numbering` is a shard's side.
"""
