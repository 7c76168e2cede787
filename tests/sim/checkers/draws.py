"""Small random histories, for checkers that are compared with an oracle that tries everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from sim.history import History, Kind, Operation, Value


class Drawn(NamedTuple):
    """An operation before it has its place in time; `ending` None leaves it open."""

    f: str
    key: int | str = "x"
    asked: Value = None
    ending: Kind | None = Kind.OK
    answer: Value = None
    version: int | None = None
    client: str = "c"
    session: str = ""


def drawn(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Drawn]:
    """Operations of which these fields vary, and the others are as they stand in `Drawn`."""
    return st.fixed_dictionaries(fields).map(lambda chosen: Drawn(**chosen))


@st.composite
def histories(draw: st.DrawFn, operations: st.SearchStrategy[Drawn], *, most: int) -> History:
    """Up to `most` operations that overlap in any way, some at the same instant."""
    chosen = draw(st.lists(operations, max_size=most))
    places = [index for index, one in enumerate(chosen) for _ in range(1 if one.ending is None else 2)]
    return laid_out(chosen, draw(st.permutations(places)), draw(st.integers(0, 1)))


def laid_out(drawn: Sequence[Drawn], places: Sequence[int], step_us: int = 1) -> History:
    """A history whose rows belong to the operations that `places` names, in that order."""
    history, begun = History(), set()
    for t_us, index in enumerate(places):
        f, key, asked, ending, answer, version, client, session = drawn[index]
        if index in begun:
            assert ending is not None
            row = Operation(index, ending, f, key, answer, version, session)
        else:
            begun.add(index)
            row = Operation(index, Kind.INVOKE, f, key, asked, None, session)
        history.append(t_us * step_us, client, row)
    return history
