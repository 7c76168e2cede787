"""A log held by a group under a persistence scheme: who has what, who leads, and what that makes safe.

A `member` leads, follows or finds out which (`words` are what members say to each other and to
their operator, `telling` its answers); as a `replica` it ships (`shipping`, in messages of `wire`) and knows
what enough members hold; `durable` is what it must not forget, `aside` what it had to give up, `lineage` how
much two logs share, `operators` the people who change the lead.
"""
