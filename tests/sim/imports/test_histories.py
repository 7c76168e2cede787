"""Histories from elsewhere: what is taken, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.checkers import SPECIFICATIONS
from sim.history import History, Kind
from sim.imports import MalformedRows, read_history_edn, read_history_lines

HISTORIES = Path(__file__).parents[2] / "histories"
END_FIRST = "end that first, with info if nobody knows, or give every row an op"
MEND = "mend or remove the line"
ONE_CLOCK = "give all rows a time by one clock, or none"
BARE = "{:type :invoke, :f :read, :value [1.5 nil], :process 2}"
CAS = SPECIFICATIONS["cas-register"].shapes


def mistakes(text: str, form: str = "jsonl", model: str = "cas-register") -> list[str]:
    read = read_history_edn if form == "edn" else read_history_lines
    with pytest.raises(MalformedRows) as refused:
        read(text, "f", SPECIFICATIONS[model].shapes)
    return [str(problem) for problem in refused.value.problems]


def test_the_labs_own_rows_are_read_as_they_were_written() -> None:
    for path in sorted((HISTORIES / "valid").glob("*.jsonl")):
        assert read_history_lines(path.read_text(), path.name, {}).history == History.from_jsonl(path)


def test_a_row_needs_a_client_a_kind_and_an_f() -> None:
    recorded = read_history_lines(
        '{"client": "a", "kind": "invoke", "f": "write", "value": 1}\n\n'
        '{"client": "b", "kind": "invoke", "f": "read"}\n'
        '{"client": "a", "kind": "ok", "f": "write"}\n'
        '{"client": "b", "kind": "ok", "f": "read", "value": 1}\n'
        '{"client": "a", "kind": "invoke", "f": "read"}\n',
        "f",
        CAS,
    )
    assert [(row.op, row.t_us, row.client, row.kind, row.key, row.value) for row in recorded.history] == [
        (0, 0, "a", Kind.INVOKE, "all", 1),
        (1, 1, "b", Kind.INVOKE, "all", None),
        (0, 2, "a", Kind.OK, "all", None),
        (1, 3, "b", Kind.OK, "all", 1),
        (2, 4, "a", Kind.INVOKE, "all", None),
    ]
    assert recorded.lines == {0: (1, 4), 1: (3, 5), 2: (6, None)}


def test_all_mistakes_of_json_lines_are_told_at_once() -> None:
    assert mistakes(
        '{"client":"a","kind":"invoke","f":"writ","value":1}\n'
        '{"client":"a","kind":"ok","f":"writ","value":1}\n'
        '{"client":"a","kind":"ok","f":"writ","value":1}\n'
        '{"client":"b","kind":"fail","f":"read"}\n'
        '{"client":"b","kind":"begin","f":"read","vlaue":1.5}\n'
        '{"client":"b","kind":"invoke","f":"cas","value":3}\n'
        '{"client":"b","kind":"invoke","f":"read","value":1.5}\n'
        '{"client":"b","kind":"invoke","f":"read"}\n'
        '{"client":"b","kind":"inv'
    ) == [
        "line 1: f = \"writ\": not one of the model's operations, read, write, cas; did you mean 'write'?",
        "line 2: f = \"writ\": not one of the model's operations, read, write, cas; did you mean 'write'?",
        "line 3: f = \"writ\": not one of the model's operations, read, write, cas; did you mean 'write'?",
        'line 3: client "a": ends (ok) a second time; line 2 ended it; keep one of the two',
        'line 4: client "b": ends (fail) and never began; write its invoke before it',
        'line 5: kind = "begin": expected one of invoke, ok, fail, info; known: fail, info, invoke, ok',
        "line 5: vlaue = 1.5: no field of a row is called vlaue; did you mean 'value'?",
        "line 6: value = 3: cas is asked a pair [old, new]; write that",
        "line 7: value = 1.5: expected whole numbers, texts, null, or lists of these; write one",
        f'line 7: client "b": begins while its operation of line 6 is open; {END_FIRST}',
        f'line 8: client "b": begins while its operation of line 7 is open; {END_FIRST}',
        f'line 9: "{{\\"client\\":\\"b\\",\\"kind\\":\\"inv": expected one JSON object; {MEND}; it may be cut off',
    ]


def test_operations_with_ids_begin_once_and_end_once() -> None:
    row = '{{"op":{},"client":"{}","kind":"{}","f":"{}"}}\n'
    assert mistakes(
        row.format(1, "a", "invoke", "read")
        + row.format(1, "a", "invoke", "read")
        + row.format(1, "b", "ok", "read")
        + row.format(1, "a", "ok", "read")
        + row.format(2, "a", "info", "read")
        + '{"client":"a","kind":"invoke","f":"read"}'
    ) == [
        "line 2: op 1: begins again; line 1 began it; give every operation an id of its own",
        "line 3: op 1: ends as read of b on 'all' what line 2 began as read of a on 'all'; let both rows name the same",
        "line 4: op 1: ends (ok) a second time; line 3 ended it; keep one of the two",
        "line 5: op 2: ends (info) and never began; write its invoke before it",
        'line 6: client "a": has no op, and line 1 does; give all rows the id of their operation, or none',
    ]


def test_clocks_may_not_be_mixed_nor_go_back() -> None:
    row = '{{"client":"{0}","kind":"invoke","f":"read","t_us":{1}}}\n'
    assert mistakes(row.format("a", 5) + row.format("b", 3) + row.format("c", "null") + row.format("d", 7)) == [
        "line 2: 3 us: time goes back, from 5 us in line 1; write rows in the order of one clock",
        f'line 3: client "c": has no time, and line 1 does: the clocks are mixed; {ONE_CLOCK}',
    ]


def test_a_file_cut_off_at_its_head_is_seen_by_its_numbers() -> None:
    text = (HISTORIES / "valid" / "well_formed.jsonl").read_text().split("\n", 1)[1]
    with pytest.raises(MalformedRows, match=r"line 1: i = 1: rows count from 0"):
        read_history_lines(text, "f", {})


@pytest.mark.parametrize("form", ["jsonl", "edn"])
def test_a_file_without_operations_is_refused(form: str) -> None:
    assert mistakes("\n", form) == ["line 1: (nothing): the file holds no operation; record at least one"]


def test_edn_is_read_whatever_stands_around_it() -> None:
    recorded = read_history_edn(
        "; a comment\n"
        '#jepsen.history.Op{:index 0, :time 1500, :type :invoke, :f :cas, :value [7 [0 1]], :process 0, :e #{"x"}}\n'
        '{:type :info, :f :kill, :process :nemesis, :value {"n1" #inst "2020-01-01"}}, #_{:type :lost}\n'
        '{:type :info :f :cas :value [7 [0 1]] :process 0 :time 2500 :index 2\n :msg "a \\"b\\" {" :c \\{ :r 1/2}\n'
        "{:type :invoke :f :read :value [:k nil] :process 0 :time 3500}\n"
        "{:type :ok :f :read :value [:k :v] :process 0 :time 4500}",
        "f",
        CAS,
    )
    assert [(row.t_us, row.op, row.kind, row.f, row.key, row.value) for row in recorded.history] == [
        (1, 0, Kind.INVOKE, "cas", 7, (0, 1)),
        (2, 0, Kind.INFO, "cas", 7, (0, 1)),
        (3, 1, Kind.INVOKE, "read", "k", None),
        (4, 1, Kind.OK, "read", "k", "v"),
    ]
    assert recorded.lines == {0: (2, 4), 1: (6, 7)}


def test_edn_may_begin_with_a_byte_order_mark() -> None:
    text = "\ufeff{:type :invoke, :f :read, :process 0}"
    assert read_history_edn(text, "f", CAS).lines == {0: (1, None)}


def test_the_members_of_an_edn_set_may_be_of_any_kind() -> None:
    shuffled = ['#{[1 :b] [1 2] [1] "x" nil #{3 [4]} 7}', '#{7 [1 2] #{[4] 3} nil [1] [1 :b] "x"}']
    values = []
    for members in shuffled:
        row = "{:type %s, :f :read, :process 0, :value %s}"
        text = row % (":invoke", "nil") + row % (":ok", members)
        values.append(read_history_edn(text, "f", CAS).history.rows[1].value)
    assert values[0] == values[1]
    assert set(values[0]) == {(1, "b"), (1, 2), (1,), "x", None, (3, (4,)), 7}  # type: ignore[arg-type]


@pytest.mark.parametrize("deep", [21, 99, 100, 5_000, 200_000])
@pytest.mark.parametrize(("opens", "closes"), ["[]", "{}", "()", ("#{", "}"), ("{[", "] 1}"), ("#_[", "]")])
def test_edn_that_is_nested_too_deeply_is_refused_by_its_line(deep: int, opens: str, closes: str) -> None:
    row = "{:type :invoke, :f :read, :process 0}\n{:type :ok, :f :read, :process 0, :value "
    told = mistakes(row + opens * deep + closes * deep + "}", "edn")
    assert told[0].startswith("line 2: ")
    assert "expected" in told[0]


def test_json_that_is_nested_too_deeply_is_refused_by_its_line() -> None:
    for deep in (21, 900, 990, 1_000, 200_000):
        for name in ("value", "key"):
            row = f'{{"client":"a","kind":"invoke","f":"read"}}\n{{"client":"a","kind":"ok","f":"read","{name}":'
            assert mistakes(row + "[" * deep + "]" * deep + "}")[0].startswith("line 2: ")


def test_truth_is_no_number_in_a_history() -> None:
    for value in ("true", "[1, [false]]"):
        text = f'{{"client":"a","kind":"invoke","f":"write","value":{value}}}'
        assert "expected whole numbers, texts, null, or lists of these" in mistakes(text)[0]
        text = "{:type :invoke, :f :write, :process 0, :value " + value.replace(",", "") + "}"
        assert "expected whole numbers, texts, keywords, nil" in mistakes(text, "edn")[0]


def test_a_row_whose_value_alone_is_bad_still_begins_or_ends_its_operation() -> None:
    """One mistake is one complaint: not also that what it ends was never begun, or that its numbers have a gap."""
    row = '{{"i":{},"client":"a","kind":"{}","f":"{}","key":{},"value":{}}}\n'
    assert mistakes(
        row.format(0, "invoke", "write", 1, "1.5")
        + row.format(1, "ok", "write", 1, "null")
        + row.format(2, "invoke", "read", "[]", "null")
        + row.format(3, "ok", "read", 1, "{}")
        + row.format(4, "invoke", "read", 1, "null").replace("value", "vlaue")
        + row.format(5, "ok", "read", 1, "7")
        + "nonsense\n"
        + row.format(7, "invoke", "read", 1, "null")
    ) == [
        "line 1: value = 1.5: expected whole numbers, texts, null, or lists of these; write one",
        "line 3: key = []: expected a whole number or a text; write one",
        "line 4: value = {}: expected whole numbers, texts, null, or lists of these; write one",
        "line 5: vlaue = null: no field of a row is called vlaue; did you mean 'value'?",
        f'line 7: "nonsense": expected one JSON object; {MEND}; it may be cut off',
    ]
    rule = "expected whole numbers, texts, keywords, nil, or collections of these; write one"
    way_out = "write the key too, or say that these are no independent keys"
    assert mistakes(
        "{:type :invoke, :f :write, :value [1 1.5], :process 0}\n"
        "{:type :ok, :f :write, :value [1 1], :process 0}\n"
        "{:type :invoke, :f :read, :value [nil nil], :process 0}\n"
        "{:type :ok, :f :read, :value nil, :process 0}\n",
        "edn",
    ) == [
        f'line 1: :value "(1, 1.5)": {rule}',
        f'line 3: :value "(None, None)": {rule}',
        f'line 4: :value "None": expected a pair [key value], as in every invocation; {way_out}',
    ]


def test_a_field_is_given_once() -> None:
    assert mistakes(
        '{"client":"a","kind":"invoke","f":"write","value":1,"value":2}\n'
        '{"client":"a","kind":"ok","f":"write"}\n'
        '{"client":"a","kind":"invoke","kind":"ok","f":"read"}\n'
    ) == [
        "line 1: value: given more than once in one row; keep one of them",
        "line 3: kind: given more than once in one row; keep one of them",
    ]
    (told,) = mistakes("{:type :invoke, :f :write, :value 1, :value 2, :process 0}", "edn")
    assert told.endswith(f": expected each key of the map once; {MEND}")


def test_two_spellings_of_what_would_read_as_one_are_refused() -> None:
    """Clojure's `:a` is not "a", nor is process 1 the process "1"; a history could not tell them apart."""
    row = "{{:type {}, :f {}, :value {}, :process {}}}\n"
    text = (
        row.format(":invoke", ":write", "[:x :a]", "1")
        + row.format(":ok", ":write", "[:x :a]", "1")
        + row.format(":invoke", ":read", '["x" nil]', '"1"')
        + row.format(":ok", ":read", '["x" "a"]', '"1"')
    )
    way_out = "which would read as one; spell it one way, or name two things"
    assert mistakes(text, "edn") == [
        f'line 3: key "x": a text here and a keyword in line 1, {way_out}',
        f'line 3: client "1": a text here and a number in line 1, {way_out}',
        f'line 4: value "a": a text here and a keyword in line 1, {way_out}',
    ]
    # A row that tells no key is not on key "all".
    (told,) = mistakes(text[: text.index("{:type :invoke, :f :read")].replace(":x", ":all") * 2 + BARE, "edn")
    assert ":value" in told
    keywords = text.replace('"x"', ":x").replace('"a"', ":a").replace('"1"', "1")
    assert [row.value for row in read_history_edn(keywords, "f", CAS).history] == ["a", "a", None, "a"]


def test_a_reader_may_say_whether_keys_are_independent() -> None:
    write = "{:type :invoke, :f :write, :value [0 1], :process 0}"
    keyed = [read_history_edn(write, "f", CAS, told).history.rows[0] for told in (None, True, False)]
    assert [(row.key, row.value) for row in keyed] == [(0, 1), (0, 1), ("all", (0, 1))]
    read = "{:type :invoke, :f :read, :value nil, :process 0}"
    with pytest.raises(MalformedRows, match=r"line 1: :value .*or say that these are no independent keys"):
        read_history_edn(read, "f", CAS, independent=True)


def test_two_bare_values_of_a_cas_are_no_key() -> None:
    cas = "{:type :invoke, :f :cas, :value [0 1], :process 0}"
    assert [row.key for row in read_history_edn(cas, "f", CAS).history] == ["all"]


def test_all_mistakes_of_edn_are_told_at_once() -> None:
    assert mistakes(
        "{:type :invok, :f :read, :process 0}\n"
        "{:type :invoke, :f :read, :process 0, :time -1}\n"
        "{:type :invoke, :f :cas, :value nil, :process 1}\n"
        "{:type :ok, :f :read, :process [2]}\n"
        "{:type :invoke, :f :read, :value 1.5, :process 3}\n"
        "{:type :invoke, :f :read, :value nil, :process 4}\n"
        "{:type :invoke, :f :read, :value nil, :process 1}\n"
        "{:type :ok, :f :read :process}\n"
        "{:type :ok, :f :read, :process 1]",
        "edn",
    ) == [
        "line 1: :type \"invok\": expected one of :invoke, :ok, :fail, :info; did you mean 'invoke'?",
        'line 2: :time "-1": expected a whole number of at least 0; write one',
        "line 3: value = None: cas is asked a pair [old, new]; write that",
        'line 4: :process "(2,)": expected a number or a name; write one',
        'line 5: :value "1.5": expected whole numbers, texts, keywords, nil, or collections of these; write one',
        f'line 7: client "1": begins while its operation of line 3 is open; {END_FIRST}',
        f'line 8: "{{:type :ok, :f :read :process}}": expected a value for each key of the map; {MEND}',
        f"line 9: \"{{:type :ok, :f :read, :process 1]\": expected '{{' of line 9 to be closed first, not ']'; {MEND}",
    ]
