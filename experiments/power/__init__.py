"""How much the lab can find: systems broken on purpose, and its own store with a line changed.

Read `catalogue` for the search of known-broken systems and of their sound twins, `operators` for
what a mutant is, `mutants` for how they are sampled and weighed. `trial` runs one mutant in a
process of its own, where `substitute` puts the changed module in the place of the file's. Nothing
is imported here, so that a trial can set the substitute up before any model is loaded.
"""

__all__: list[str] = []
