"""The lab's command line: what `./lab` hands over to.

Exit codes: 0 good; 1 a claim failed or a property is violated; 2 bad input, of which a domain that breaks its contract
in a run is one, or unknown; 3 the lab itself failed; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from experiments import commands
from experiments.journal import Refused
from experiments.scenario import ScenarioError
from models.domain import DomainFailed
from sim.wording import way_to

__all__ = ["lab", "main"]


class _Group(click.Group):
    """A group that suggests the nearest command."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            raise click.UsageError(f"no command is called {cmd_name!r}; {way_to(cmd_name, self.list_commands(ctx))}")
        return found


@click.group(cls=_Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def lab(context: click.Context) -> None:
    """Cut the network under a replicated store and measure what happens."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    commands.run,
    commands.list_experiments,
    commands.check,
    commands.check_history,
    commands.compare,
    commands.confluence,
    commands.obligations,
    commands.hunt_command,
    commands.replay,
    commands.test,
    commands.lint,
    commands.bench,
    commands.notebook,
):
    lab.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line; the one place that turns an exception into an exit code."""
    # The launcher keeps the caller's folder from shadowing our rooms; last on the path it can still lend a factory.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        code = lab.main(args=None if arguments is None else list(arguments), prog_name="lab", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except ScenarioError as error:
        click.echo("\n".join(error.lines()), err=True)
        return 2
    except Refused as error:
        click.echo(f"lab: {error}", err=True)
        return 2
    except DomainFailed as error:
        click.echo(f"lab: {error}", err=True)
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("lab: stopped", err=True)
        return 130
    except Exception:  # noqa: BLE001 - whatever it is, it is ours, and 1 would blame the experiment
        traceback.print_exc()
        click.echo("lab: this is a failure of the lab itself", err=True)
        return 3
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
