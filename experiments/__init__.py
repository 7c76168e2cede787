"""Questions, each answered by one file, and the rooms that they share.

Read `experiment` first: what a question file declares. Then one question, `merge_domains`, from top to bottom. A sweep
(`sweep`, `journal`, `workers`) turns its cells and seeds into rows, `results` keeps them, `statistics` weighs them,
`report` shows them, `scenario` reads the TOML files and `cli` is what `./lab` starts. No protocol code lives here.
"""

__all__: list[str] = []
