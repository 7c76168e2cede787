"""Histories as short scripts, one row a line, so that a test shows all that it judges.

    1 invoke write x 5 @c1/s1 v3 t20

is operation 1 of client c1 in session s1, on version 3, at 20 us. Client c, session "", no version
and one microsecond after the row before are understood where nothing is said; an ending takes
f, key, client and session from its beginning: `1 ok 5 v1`. Values are Python's, `-` is None.
"""

from __future__ import annotations

import ast

from sim.history import History, Kind, Operation, Value


def script(text: str) -> History:
    """The history that a script writes down."""
    history = History()
    begun: dict[int, tuple[str, str, str, int | str]] = {}
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        words, client, session, version = line.split(), "c", "", None
        t_us = history.rows[-1].t_us + 1 if history.rows else 0
        for word in filter(_is_mark, words[2:]):
            words.remove(word)
            if word[0] == "@":
                client, _, session = word[1:].partition("/")
            elif word[0] == "v":
                version = int(word[1:])
            else:
                t_us = int(word[1:])
        op, kind = int(words[0]), Kind(words[1])
        if kind is Kind.INVOKE:
            begun[op] = (client, session, words[2], _plain(words[3]))  # type: ignore[assignment]
            rest = words[4:]
        else:
            rest = words[2:]
        client, session, f, key = begun[op]
        value = _plain("".join(rest)) if rest else None
        history.append(t_us, client, Operation(op, kind, f, key, value, version, session))
    return history


def _plain(word: str) -> Value:
    if word == "-":
        return None
    try:
        return ast.literal_eval(word)  # type: ignore[no-any-return]
    except (ValueError, SyntaxError):
        return word


def _is_mark(word: str) -> bool:
    return word[0] == "@" or (word[0] in "vt" and word[1:].isdigit())
