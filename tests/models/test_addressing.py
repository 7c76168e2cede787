from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.addressing import (
    BANK,
    EventAddress,
    Scope,
    conflicts,
    content_hash,
    mint,
    pack_type,
    unpack_type,
)
from models.domain.forms import content_of
from models.domains.bank_account import Deposited, Withdrawn

types = st.builds(
    pack_type,
    st.sampled_from(list(Scope)),
    command=st.booleans(),
    domain=st.integers(0, 2**11 - 1),
    incarnation=st.integers(0, 2**16 - 1),
)
addresses = st.builds(EventAddress, types, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))


def test_the_type_is_laid_out_as_the_design_says():
    packed = pack_type(Scope.REGION, command=True, domain=1, incarnation=3)

    assert f"{packed:032b}" == "1000" + "1" + "00000000001" + "0000000000000011"


@pytest.mark.parametrize("scope", [0b0000, 0b0011, 0b1111])
def test_a_scope_that_is_not_one_hot_is_refused(scope):
    with pytest.raises(ValueError, match="exactly one may be set"):
        unpack_type(scope << 28)


@given(addresses)
def test_packing_and_the_text_form_lose_nothing(address):
    assert EventAddress.unpack(address.pack()) == address
    assert EventAddress.from_text(address.text()) == address
    assert mint(*address) == address.pack()


def test_the_text_form_is_that_of_a_uuid():
    address = EventAddress(pack_type(Scope.SERVICE, command=False, domain=BANK, incarnation=2), 7, 9)

    assert address.text() == "10010002-0000-0000-0000-000700000009"


@pytest.mark.parametrize(
    "text", ["", "10010002", "1001000-20000-0000-0000-000700000009", "z" * 8 + "-0000-0000-0000-" + "0" * 12]
)
def test_a_text_that_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="is not an address"):
        EventAddress.from_text(text)


def test_parts_that_do_not_fit_their_bits_are_refused():
    good = pack_type(Scope.SERVICE, command=False, domain=BANK)
    with pytest.raises(ValueError, match="instance"):
        EventAddress(good, 2**64, 1).pack()
    with pytest.raises(ValueError, match="version"):
        EventAddress(good, 1, 2**32).pack()
    with pytest.raises(ValueError, match="domain"):
        pack_type(Scope.SERVICE, command=False, domain=2**11)


def test_equal_addresses_with_unequal_content_conflict_and_duplicates_do_not():
    mine = content_of(Deposited(amount=10))
    same = content_of(Deposited(amount=10))
    other = content_of(Withdrawn(amount=10))

    assert conflicts([(100, mine), (101, mine), (102, mine)], {100: same, 101: other}) == [101]


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    a: int
    b: str


@dataclass(frozen=True, slots=True)
class Holder:
    held: Any


DISTINCT = [
    *(1, "1", b"1", True, 1.0, None, "", b"", (), 0, False, 0.0, -0.0, "None", 2**31, -(2**31), 2**63, 2**127, -1),
    *((1,), (1, 1), ((1,), 1), (1, (1,)), ("a", "b"), ("ab",), ("a", ("b",)), (True,), (1.0,), (None,), ("1",)),
    *(Holder(1), Holder((1,)), Holder(Holder(1)), Holder("1"), ("Holder", 1), (("Holder", 1),), (Holder(1),)),
]
# A log outlives the Python that wrote it: these are the same on 3.11 to 3.13 and under any hash seed.
GOLDEN = [
    ((0, 1, ("Deposited", 1, ("amount",), (10,))), 0xBB40CC691BBCB43),
    ((2**64 - 1, 7, ("Changed", 2, ("field", "value"), ("n\u00e4me", None))), 0x28E299A79EE5F47C),
    ((2**127, -(2**31), 2**31, 1.5, -0.0, True, b"\x00\xff", ("a", "a", ("a",))), 0x5E6094FA9CF92AE4),
    (Holder((Colour.RED, Pair(1, "x"), Holder(None))), 0x522A11EB19C4001),
]


def test_values_that_read_alike_hash_apart():
    assert len({content_hash(value) for value in DISTINCT}) == len(DISTINCT)
    assert len({content_hash((0, 1, value)) for value in DISTINCT}) == len(DISTINCT)


def test_a_hash_is_of_the_value_not_of_the_class_that_names_it():
    assert content_hash((Colour.RED, Pair(1, "x"))) == content_hash(("red", (1, "x")))
    assert content_hash((Scope.HOST,)) == content_hash((2,))
    # Equal texts that are one object, or two, or interned, are the same text.
    twice = "".join(["am", "ount"])
    assert content_hash(("amount", "amount")) == content_hash((twice, "amount")) == content_hash((twice, twice))


@pytest.mark.parametrize(("value", "digest"), GOLDEN)
def test_a_hash_stays_what_it_was(value: Any, digest: int):
    assert content_hash(value) == digest


# Marshal would take each of these for something.
@pytest.mark.parametrize("value", [[1], {1: 2}, {1}, frozenset({1}), bytearray(b"x"), 1j, ..., Colour])
def test_what_is_no_value_has_no_hash(value: Any):
    for content in (value, (value,), (0, 1, ("a", (value,))), Holder(value)):
        with pytest.raises(TypeError, match="is not a value"):
            content_hash(content)
