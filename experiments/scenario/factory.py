"""The system under study: a callable named in the file, and options checked against it.

A factory is `def design(site, workload, *, ship_every_us: int = ..., home: RegionName = ...)`.
Its keyword-only parameters are the options of `[system]`; the signature is the schema, so
that a user's own system is checked as well as a shipped one. Options that several factories share
stand in a `TypedDict`, which each takes as `**kept: Unpack[KeptOptions]`. Quantities lose their suffix in
the file and gain a unit: `ship_every_us` is written `ship_every = "200ms"`.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple, Unpack, get_args, get_origin, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from experiments.scenario.problems import NOTHING, Finding, explain, finding, raised, shown
from sim.topology import RegionName
from sim.units import duration_us, rate_per_s, size_bytes
from sim.wording import nearest, way_to

__all__ = ["Option", "defaulted", "options_of", "read_options", "resolve"]

_QUANTITIES: Final[Mapping[str, Callable[[str], int | float]]] = {
    "_us": duration_us,
    "_per_s": rate_per_s,
    "_bytes": size_bytes,
}


class Option(NamedTuple):
    """One option of a factory: its key in the file, its parameter, its type, its default."""

    key: str
    parameter: str
    hint: Any
    default: Any
    quantity: Callable[[str], int | float] | None


def resolve(name: object, path: str = "system.factory") -> Callable[..., Any] | Finding:
    """The callable that `package.module:callable` names, or what is wrong with the name, found at `path`."""
    if not isinstance(name, str):
        return Finding(path, shown(name), "not a text", 'write one, as in "package.module:callable"')
    module_name, colon, attribute = name.partition(":")
    if not (colon and attribute.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        return Finding(path, shown(name), "not the name of a callable", 'write one, as in "package.module:callable"')
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name is not None and f"{module_name}.".startswith(f"{missing.name}."):
            way_out = _nearest_module(module_name)
            return Finding(path, shown(name), f"there is no module {missing.name!r}", way_out)
        return Finding(path, shown(name), f"{module_name} needs {missing.name!r}, which is not there", "install it")
    except (Exception, SystemExit) as failed:  # noqa: BLE001 - a user's module may raise anything while it is imported
        why = f"{module_name} cannot be imported: {raised(failed)}"
        return Finding(path, shown(name), why, "repair the module")
    made = getattr(module, attribute, None)
    if not callable(made):
        rule = f"{module_name} has no callable {attribute!r}"
        return Finding(path, shown(name), rule, way_to(attribute, _callables(module)))
    return made  # type: ignore[no-any-return]


def options_of(factory: Callable[..., Any]) -> dict[str, Option]:
    """The options of a factory by their keys in the file, in the order of its signature.

    Raises:
        ValueError: it has no signature, or annotations name something that its module does not hold at run time.
    """
    try:
        hints = get_type_hints(_function_of(factory))
        parameters = inspect.signature(factory).parameters
        shared = [get_args(hints[one.name])[0] for one in parameters.values() if _is_shared(one, hints)]
        more = {
            name: (hint, name in one.__required_keys__) for one in shared for name, hint in get_type_hints(one).items()
        }
    except NameError as missing:
        raise ValueError(f"its annotations cannot be read: {missing}; import that outside TYPE_CHECKING") from None
    except Exception as failed:  # noqa: BLE001 - annotations are code, and a callable may be anything
        raise ValueError(f"its signature cannot be read: {type(failed).__name__}: {failed}; name a function") from None
    own = [
        _option(name, hints.get(name, Any), parameter.default)
        for name, parameter in parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    own += [_option(name, hint, inspect.Parameter.empty if needed else None) for name, (hint, needed) in more.items()]
    return {option.key: option for option in own}


def _is_shared(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    """Whether a parameter stands for the options that a `TypedDict` lists."""
    return parameter.kind is inspect.Parameter.VAR_KEYWORD and get_origin(hints.get(parameter.name)) is Unpack


def _option(name: str, hint: Any, default: Any) -> Option:
    suffix = next((suffix for suffix in _QUANTITIES if name.endswith(suffix)), None)
    key = name if suffix is None else name.removesuffix(suffix)
    return Option(key, name, hint, default, None if suffix is None else _QUANTITIES[suffix])


def read_options(
    factory: Callable[..., Any], raw: Mapping[str, Any], regions: Collection[str] | None, section: str = "system"
) -> tuple[dict[str, Any], list[Finding]]:
    """Check the options of `[system]`, or of another section, against the callable that takes them.

    Args:
        factory: The system's callable.
        raw: The options as the file spells them, without `factory`.
        regions: The regions that exist; None leaves their names unchecked.
        section: Where they stand.

    Returns:
        Values by parameter, given ones only, and every mistake.
    """
    try:
        options = options_of(factory)
    except ValueError as unreadable:
        return {}, [
            finding(f"{section}.factory", getattr(factory, "__qualname__", type(factory).__name__), str(unreadable))
        ]
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for key, value in raw.items():
        option = options.get(key)
        if option is None:
            findings.append(Finding(f"{section}.{key}", shown(value), "unknown option", _spelling_of(key, options)))
            continue
        read = _read(option, value, f"{section}.{key}")
        if isinstance(read, Finding):
            findings.append(read)
        else:
            values[option.parameter] = read
    for key, option in options.items():
        path = f"{section}.{key}"
        if key not in raw and option.default is inspect.Parameter.empty:
            findings.append(Finding(path, NOTHING, "is required", "add it"))
        if regions is None or (key in raw and option.parameter not in values):
            continue
        value = values.get(option.parameter, option.default)
        for region in _regions_in(option.hint, value):
            if region not in regions:
                rule = "no region here" if key in raw else "its default is no region here"
                findings.append(Finding(path, shown(region), rule, way_to(region, regions)))
    return values, findings


def defaulted(factory: Callable[..., Any], wrong: Collection[str]) -> frozenset[str] | None:
    """The parameters that have their defaults since what the file gives is wrong; None if one of them has none.

    Args:
        factory: A callable whose options can be read.
        wrong: Keys in the file; of one that is unknown, the one that was meant is doubtful.
    """
    options = options_of(factory)
    by_parameter = {option.parameter: option.key for option in options.values()}
    meant = {key if key in options else by_parameter.get(key) or nearest(key, options) for key in wrong}
    unread = [options[key] for key in meant if key is not None]
    if any(option.default is inspect.Parameter.empty for option in unread):
        return None
    return frozenset(option.parameter for option in unread)


def _read(option: Option, value: Any, path: str) -> Any | Finding:
    if option.quantity is not None:
        try:
            return option.quantity(value)
        except ValueError as refused:
            return finding(path, value, str(refused))
    try:
        # By way of JSON, where strictness still reads a list as a tuple and a text as an enum.
        text = json.dumps(value)
    except (TypeError, ValueError):
        return Finding(path, shown(value), "not a plain value", "write a number, text, truth value or list")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(option.hint)
    except PydanticUserError:
        rule = f"cannot be given in a file: the factory annotates {option.parameter!r} as {option.hint!r}"
        return Finding(path, shown(value), rule, "annotate it with a plain type")
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as failed:
        return explain(path, failed.errors(include_url=False)[0], ())._replace(value=shown(value))


def _regions_in(hint: Any, value: Any) -> list[str]:
    """The region names in `value`, told by its type: `RegionName`, or a tuple or union of it."""
    if hint is RegionName:
        return [value] if isinstance(value, str) else []
    if isinstance(value, tuple | frozenset):
        return [name for part in get_args(hint) for item in sorted(value, key=str) for name in _regions_in(part, item)]
    return [name for part in get_args(hint) for name in _regions_in(part, value)]


def _function_of(factory: Callable[..., Any]) -> Any:
    if inspect.isroutine(factory):
        return factory
    return factory.__init__ if inspect.isclass(factory) else type(factory).__call__


def _spelling_of(key: str, options: Mapping[str, Option]) -> str:
    by_parameter = {option.parameter: option.key for option in options.values()}
    if key in by_parameter:
        return f"write it as {by_parameter[key]!r}, with a unit"
    return way_to(key, options) if options else "it takes none"


def _nearest_module(name: str) -> str:
    """The module of the same package, or the package, most like the one that is not there."""
    package, _, last = name.rpartition(".")
    try:
        parent = import_module(package) if package else None
    except ImportError:
        return _nearest_module(package)
    paths = parent.__path__ if parent is not None and hasattr(parent, "__path__") else []
    siblings = [module.name for module in pkgutil.iter_modules(paths)] or ["models"]
    return way_to(last, siblings)


def _callables(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
