"""A log and what it comes to: entries in a journal, streams in memory, snapshots, and how its head goes.

`appending` (the answer to every append is one pure function), `chain` (the audit trail that shows a
changed or missing event) and `dedup` (what was already done) know no host.
"""
