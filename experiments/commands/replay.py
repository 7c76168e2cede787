"""`./lab replay`: run one seed of a scenario to an instant, and show what the hosts hold then and how it came about.

Given a bundle of a hunt, it runs that again and says whether verdict and digest are those recorded.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
from tqdm.auto import tqdm

from experiments.commands.overlay import overlay, system_option
from experiments.files import why_not_writable
from experiments.hunting import Bundle, is_bundle, read_bundle, record_anew, replay_bundle, traceback_of
from experiments.journal import Refused
from experiments.regression import warnings
from experiments.scenario import Scenario, build, load, shipped
from models.domain import DomainFailed
from sim.faults import Fault
from sim.inspection import ConnectionState, HostState, inspect_host
from sim.trace import TraceLevel, TraceRow
from sim.trace_file import describe, write_jsonl, write_shiviz
from sim.units import duration_us, format_us
from sim.wording import way_to
from sim.world import World

__all__ = ["replay"]

_LAST: Final = 15
# Enough to find the last events of one host among those of all, without holding a whole run.
_KEPT: Final = 100_000
_SLICES: Final = 50
_WIDEST: Final = 180

_BAD_DOMAIN: Final = 2
_RAISED: Final = 3

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("name", metavar="SCENARIO|BUNDLE")
@click.option("--seed", type=click.IntRange(min=0), help="The seed to run; a bundle has its own.")
@click.option("--until", metavar="T", help="Stop at this simulated time, such as 12.5s; at the end by default.")
@click.option("--host", "hosts", metavar="PATH", multiple=True, help="Show this host only; may be repeated.")
@click.option("--last", type=click.IntRange(min=0), help=f"Events to show; {_LAST} by default.")
@system_option
@click.option("--trace", "trace_file", type=_FILE, help="Write the whole trace here, as JSON lines.")
@click.option("--shiviz", "shiviz_file", type=_FILE, help="Write a log that ShiViz draws here.")
@click.option("--record", "anew", is_flag=True, help="Record a bundle anew, if it shows what it is kept for.")
def replay(
    name: str,
    *,
    seed: int | None,
    until: str | None,
    hosts: tuple[str, ...],
    last: int | None,
    options: tuple[str, ...],
    trace_file: Path | None,
    shiviz_file: Path | None,
    anew: bool,
) -> int:
    """Run one seed of SCENARIO (a shipped name or a file) to an instant and show every host's state.

    BUNDLE is a folder that a hunt has written: it is run again and compared with what was recorded; exit 1 if it
    differs. With any option the state of its hosts is shown as well, but for --record, which brings digest, history,
    witness and diagram up to the code of today where its claim ends as it did; else nothing changes, and exit 1.
    """
    code = 0
    if is_bundle(Path(name)):
        if seed is not None or options:
            raise click.UsageError(f"{name} is a bundle, which has a seed and a system of its own; leave both out")
        bundle = read_bundle(Path(name))
        view = _view(bundle.scenario, until, hosts, last, trace_file, shiviz_file)
        bare = (until, hosts, last, trace_file, shiviz_file) == (None, (), None, None, None)
        if anew and not bare:
            raise click.UsageError("--record goes alone: it shows nothing; leave the other options out")
        replayed = replay_bundle(bundle)
        for line in replayed.lines():
            click.echo(line)
        if anew:
            return _recorded(bundle)
        code = 1 if any(replayed.differences()) else 0
        if bare:
            return code
        scenario, seed = bundle.scenario, bundle.seed
        click.echo()
    else:
        scenario = _scenario(name)
        if anew:
            raise click.UsageError(f"--record is for bundles, and {name} is none; leave it out")
        if seed is None:
            raise click.UsageError(f"which run of {scenario.name}? give its seed with --seed")
        if options:
            scenario = scenario.with_system(overlay(options))
        view = _view(scenario, until, hosts, last, trace_file, shiviz_file)
        for warning in warnings(scenario):
            click.echo(warning)
    failed = _show(scenario, seed, view)
    # That a bundle's run raises may be what it is kept for; how it ended was told above.
    if failed is None or is_bundle(Path(name)):
        return code
    return _BAD_DOMAIN if isinstance(failed, DomainFailed) else _RAISED


def _recorded(bundle: Bundle) -> int:
    """Record a bundle anew; 1 if that would make another of it."""
    try:
        record_anew(bundle)
    except Refused as refused:
        click.echo(f"not recorded: {refused}")
        return 1
    click.echo(f"recorded anew: {bundle.folder}")
    return 0


class _View(NamedTuple):
    """What of a run is to be shown, and where its trace goes."""

    until_us: int
    hosts: tuple[str, ...]
    last: int
    trace_file: Path | None
    shiviz_file: Path | None


def _scenario(name: str) -> Scenario:
    if not name.endswith(".toml") and name not in shipped():
        rule = f"{name!r} is no folder of a bundle, no scenario's file and no scenario that comes with the lab"
        raise click.BadParameter(f"{rule}; {way_to(name, shipped())}", param_hint="SCENARIO|BUNDLE")
    return load(name)


def _view(
    scenario: Scenario,
    until: str | None,
    hosts: Sequence[str],
    last: int | None,
    trace_file: Path | None,
    shiviz_file: Path | None,
) -> _View:
    """What the options ask for.

    Raises:
        click.UsageError: some ask for what there is not, or a file could not be written; with all of them.
    """
    wrong: list[str] = []
    until_us = scenario.until_us
    try:
        until_us = until_us if until is None else _until(until, scenario)
    except ValueError as error:
        wrong.append(f"--until: {error}")
    chosen: list[str] = []
    for path in hosts:
        try:
            chosen.append(scenario.topology.host(path).path)
        except ValueError as error:
            wrong.append(f"--host: {error}")
    for option, file in (("--trace", trace_file), ("--shiviz", shiviz_file)):
        if file is not None and (refused := why_not_writable(file)):
            wrong.append(f"{option}: {refused}")
    if wrong:
        raise click.UsageError("\n".join(wrong))
    everybody = tuple(host.path for host in scenario.topology.hosts)
    return _View(until_us, tuple(chosen) or everybody, _LAST if last is None else last, trace_file, shiviz_file)


def _show(scenario: Scenario, seed: int, view: _View) -> Exception | SystemExit | None:
    """Run to an instant, or to where the run raises, tell what the hosts hold, and write the trace where it is wanted.

    Returns:
        What the run raised; None if nothing.
    """
    files = [path for path in (view.trace_file, view.shiviz_file) if path is not None]
    world, _ = build(scenario, seed, TraceLevel.FULL, trace_keep=None if files else _KEPT)
    failed = _run(world, view.until_us, scenario.name)
    if failed is not None:
        click.echo(f"the run raises at {format_us(int(world.env.now))}; the state is that of then:")
        click.echo(textwrap.indent(traceback_of(failed), "  "))
    for line in _told(world, scenario, seed, view.hosts, view.last):
        click.echo(line)
    paths = [host.path for host in scenario.topology.hosts]
    if view.trace_file is not None:
        write_jsonl(world.trace.rows, view.trace_file)
    if view.shiviz_file is not None:
        write_shiviz(world.trace.rows, paths, view.shiviz_file)
    for path in files:
        click.echo(f"{len(world.trace.rows):,} events: {path}")
    return failed


def _until(text: str, scenario: Scenario) -> int:
    until_us = duration_us(text)
    if not 0 < until_us <= scenario.until_us:
        where = "not after the beginning" if until_us == 0 else "past the end"
        rule = f"{text} is {where} of {scenario.name}; give more than 0 s and at most {format_us(scenario.until_us)}"
        raise ValueError(rule)
    return until_us


def _run(world: World, until_us: int, title: str) -> Exception | SystemExit | None:
    """Run to an instant; what the run raises before, if anything."""
    instants = sorted({until_us * part // _SLICES for part in range(1, _SLICES + 1)} - {0})
    try:
        for instant in tqdm(instants, desc=f"replay {title}", unit="part", disable=None, leave=False):
            world.run(instant)
        world.check_conservation()
    except (Exception, SystemExit) as failed:  # noqa: BLE001 - whatever it is, the state up to then is asked for
        return failed
    return None


def _told(world: World, scenario: Scenario, seed: int, chosen: Sequence[str], last: int) -> Iterator[str]:
    now_us = int(world.env.now)
    yield f"{scenario.name}, seed {seed}, at {format_us(now_us)} of {format_us(scenario.until_us)}"
    yield f"digest: {world.digest()}"
    yield f"network: {_counts(world.network.totals())}"
    live = world.injector.live
    yield f"live faults: {'; '.join(_fault(fault, now_us) for fault in live) or 'none'}"
    for path in chosen:
        yield ""
        yield from _host(inspect_host(world, path), now_us)
    yield from _events(world, chosen, last)


def _fault(fault: Fault, now_us: int) -> str:
    began_us = fault.at if isinstance(fault.at, int) else now_us
    end = "for ever" if fault.for_us is None else f"until {format_us(began_us + fault.for_us)}"
    return f"{fault.id} ({fault.kind} of {', '.join(fault.targets)}, since {format_us(began_us)}, {end})"


def _host(host: HostState, now_us: int) -> Iterator[str]:
    yield f"{host.path}: {'up' if host.up else 'down'}{f' ({host.effect})' if host.effect else ''}"
    yield f"  clocks: wall {format_us(host.wall_us)}, monotonic {format_us(host.mono_us)}"
    if host.up:
        cores = f"{host.busy} of {host.cores} cores busy" if host.cores else "no queueing for cores"
        yield f"  {cores}; inboxes: {_counts(host.inboxes)}; calls under way: {host.calls}"
        yield from _some("tasks", host.tasks)
        yield from _some("timers", [f"in {format_us(timer.due_us - now_us)}: {timer.what}" for timer in host.timers])
        if host.frozen:
            yield from _some("put aside by a pause", host.frozen)
    if host.connections:
        yield from _some("connections", [_connection(one) for one in host.connections])
    yield f"  accounts: {_counts(host.counters)}"
    yield from _some("files", [f"{one.name}: {one.records} records, {one.durable} durable" for one in host.files])
    for service in host.services:
        yield f"  service {service.name} ({service.kind})"
        yield from (f"    {name} = {value}" for name, value in service.state.items())
        yield from (f"    channel: {channel}" for channel in service.channels)


def _connection(one: ConnectionState) -> str:
    held = [f"{one.waiting} not acknowledged"] * bool(one.waiting) + [f"{one.early} early"] * bool(one.early)
    if not (one.here and one.there):
        held.insert(0, f"only {'this' if one.here else 'the other'} end believes in it")
    way = "to" if one.outgoing else "from"
    return f"{way} {one.peer}, {one.layer} layer: {', '.join(held) or 'idle'}"


def _some(what: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"  {what}: {len(lines) or 'none'}"
    yield from (f"    {line}" for line in lines)


def _counts(counts: Any) -> str:
    """Counters that are not 0."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "none"


def _events(world: World, chosen: Iterable[str], last: int) -> Iterator[str]:
    """The last events that concern the chosen hosts, or the world as a whole."""
    if last == 0:
        return
    paths = [host.path for host in world.topology.hosts]
    indices = {world.topology.host(path).index for path in chosen}
    found: list[TraceRow] = []
    for row in reversed(world.trace.rows):
        if len(found) == last:
            break
        if row.src < 0 or row.src in indices or row.dst in indices:
            found.append(row)
    yield ""
    yield f"last events: {len(found) or 'none'}"
    for row in reversed(found):
        where = "world" if row.src < 0 else paths[row.dst if row.kind == "deliver" else row.src]
        cause = "" if row.cause < 0 else f", after {row.cause}"
        told = f"  {row.i}{cause}: {where}: {describe(row, paths)}"
        yield told if len(told) <= _WIDEST else f"{told[: _WIDEST - 3]}..."
