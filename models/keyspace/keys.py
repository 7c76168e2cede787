"""Keys, and where a hash puts them on a line of 64 bits.

A key is tenant 32 | domain 32 | instance 64 bits. Range tablets keep keys in their own order, so the
aggregates of a domain are neighbours; every other scheme orders them by their hash.

The hash is splitmix64's finaliser (Steele, Lea and Flood, OOPSLA 2014) over the instance, salted by
seed and prefix. Measured in Python (`./lab bench keyspace`) it takes half to three quarters of what
BLAKE2b does, numpy does it to a million keys at once with the same result, and it is a bijection, so
two instances of one domain never collide. It is no defence against clients who choose their keys:
whoever knows the seed can aim.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.wording import Refused

__all__ = [
    "FIRST",
    "HASH_BITS",
    "HASH_END",
    "KEY_BITS",
    "KEY_END",
    "MASK",
    "SECOND",
    "KeyHash",
    "Points",
    "mix64",
    "mix64_many",
    "pack_key",
    "unpack_key",
]

HASH_BITS: Final = 64
KEY_BITS: Final = 128
#: One past the last point of either line.
HASH_END: Final = 1 << HASH_BITS
KEY_END: Final = 1 << KEY_BITS

Points = NDArray[np.uint64]

#: What `mix64` multiplies by, for hot paths that write it out.
MASK: Final = HASH_END - 1
FIRST: Final = 0xBF58476D1CE4E5B9
SECOND: Final = 0x94D049BB133111EB
_GAMMA: Final = 0x9E3779B97F4A7C15
#: Salts kept; far above the domains and tenants of a deployment, so that forgetting all of them is rare.
_SALTS: Final = 4096


def pack_key(instance: int, *, domain: int = 0, tenant: int = 0) -> int:
    """The key of an aggregate.

    Raises:
        ValueError: a part that does not fit its bits.
    """
    mistakes = [
        f"{name}={value} does not fit its {bits} bits; give 0 to 2**{bits} - 1"
        for name, value, bits in (("instance", instance, 64), ("domain", domain, 32), ("tenant", tenant, 32))
        if not 0 <= value < 1 << bits
    ]
    if mistakes:
        raise Refused(mistakes)
    return tenant << 96 | domain << 64 | instance


def unpack_key(key: int) -> tuple[int, int, int]:
    """Tenant, domain and instance of a key; ValueError if it is none."""
    if not 0 <= key < KEY_END:
        raise ValueError(f"{key=} does not fit {KEY_BITS} bits; make it with `pack_key`")
    return key >> 96, key >> 64 & (1 << 32) - 1, key & MASK


def mix64(value: int) -> int:
    """64 bits for 64 bits, one to one; splitmix64's output for the state `value`."""
    mixed = value + _GAMMA & MASK
    mixed = (mixed ^ mixed >> 30) * FIRST & MASK
    mixed = (mixed ^ mixed >> 27) * SECOND & MASK
    return mixed ^ mixed >> 31


def mix64_many(values: Points) -> Points:
    """The same for many; numpy's sums and products are taken modulo 2**64."""
    mixed = values + np.uint64(_GAMMA)
    for shift, factor in ((30, FIRST), (27, SECOND)):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    return mixed ^ mixed >> np.uint64(31)


class KeyHash:
    """Where keys are on the line of hashes; the same in every process.

    Args:
        seed: Any 64 bits; placements that should agree must share it.

    Attributes:
        salt: What is added to keys without tenant and domain.

    Raises:
        ValueError: a seed of more bits.
    """

    __slots__ = ("_salts", "salt", "seed")

    def __init__(self, seed: int = 0) -> None:
        if not 0 <= seed < HASH_END:
            raise ValueError(f"{seed=} does not fit 64 bits; give 0 to 2**64 - 1")
        self.seed = seed
        self._salts: dict[int, int] = {}
        self.salt = self._salt_of(0)

    def __eq__(self, other: object) -> bool:
        return self.seed == other.seed if isinstance(other, KeyHash) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.seed)

    def __call__(self, key: int) -> int:
        """The point of a key, below 2**64."""
        prefix = key >> 64
        salt = self._salt_of(prefix) if prefix else self.salt
        # `mix64` written out: a call more would cost a fifth of a look-up.
        mixed = key + salt & MASK
        mixed = (mixed ^ mixed >> 30) * FIRST & MASK
        mixed = (mixed ^ mixed >> 27) * SECOND & MASK
        return mixed ^ mixed >> 31

    def many(self, keys: Iterable[int]) -> Points:
        """The points of many keys, in their order."""
        listed = list(keys)
        instances = np.array([key & MASK for key in listed], dtype=np.uint64)
        prefixes = {key >> 64 for key in listed}
        if len(prefixes) == 1:
            return self.instances(instances, prefixes.pop())
        salts = np.array([self._salt_of(key >> 64) for key in listed], dtype=np.uint64)
        return mix64_many(instances + salts - np.uint64(_GAMMA))

    def instances(self, instances: Points, prefix: int = 0) -> Points:
        """The points of instances that share a prefix, which is tenant and domain as in a key."""
        return mix64_many(instances + np.uint64(self._salt_of(prefix) - _GAMMA & MASK))

    def _salt_of(self, prefix: int) -> int:
        salt = self._salts.get(prefix)
        if salt is None:
            if len(self._salts) >= _SALTS:
                self._salts.clear()
            salt = self._salts[prefix] = mix64(mix64(self.seed) ^ prefix) + _GAMMA & MASK
        return salt
