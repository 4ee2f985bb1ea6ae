"""The `kurabako` command: one group whose subcommands are imported only when they are called.

Invariant: stdout carries data, stderr carries `error:`/`hint:` lines, and every failure ends in a code of
`Exit`. Names are resolved lazily, so `kurabako status` imports neither Textual nor the importer, and no
arrow points up from here to the screens.
"""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from appliance.exits import Exit
from appliance.messages import explain, language
from crypto.errors import KurabakoError
from crypto.memory import forbid_dumps, keep_from_swap

COMMANDS: dict[str, tuple[str, str]] = {
    "audit": ("appliance.commands.audit:audit", "the audit record: who opened, released or was refused what"),
    "board": ("appliance.commands.board:board", "the education board: schools, people, hubs, restore"),
    "bundle": ("appliance.commands.bundle:bundle", "make and check the bundle for boxes without internet"),
    "demo": ("appliance.commands.demo:demo", "a demo school with everything embedded"),
    "doctor": ("appliance.commands.doctor:doctor", "every check of a box: what, how it stands, what to do"),
    "emergency": ("appliance.commands.emergency:emergency", "import emergency contacts and health notes"),
    "exchange": ("appliance.commands.exchange:exchange", "the school system: take in, write out, receipts"),
    "export": ("appliance.commands.export:export", "take something out: policy, permit, label, record"),
    "fleet": ("appliance.commands.fleet:fleet", "every box of an inventory in one table"),
    "hours": ("appliance.commands.hours:hours", "working hours: recorder's file, shifts, report"),
    "inbox": ("appliance.commands.inbox:inbox", "the drop folder: seal what lies in it (started by serve)"),
    "keeper": ("appliance.commands.keeper:keeper", "the one process that writes a site (started by serve)"),
    "ledger": (
        "appliance.commands.ledger:ledger",
        "the asset ledger: how important, how to handle",
    ),
    "meeting": ("appliance.commands.meeting:meeting", "staff meetings from a text or a calendar file"),
    "notice": ("appliance.commands.notice:notice", "the noticeboard page for learners (started by systemd)"),
    "office": ("appliance.commands.office:office", "the office screen"),
    "policy": ("appliance.commands.policy:policy", "the classification rules: why something is allowed or not"),
    "provision": ("appliance.commands.provision:provision", "bare Debian boxes become working schools over SSH"),
    "replica": ("appliance.commands.replica:replica", "verify, heal or rebuild what object storage holds"),
    "roster": ("appliance.commands.roster:roster", "look at and import OneRoster files"),
    "segments": ("appliance.commands.segments:segments", "carry changes on a medium when there is no line"),
    "serve": ("appliance.commands.serve:serve", "run a whole site in the foreground"),
    "site": ("appliance.commands.site:site", "a box's side of its enrolment (called by provision)"),
    "standby": ("appliance.commands.standby:standby", "a school's office from elsewhere, in a browser"),
    "status": ("appliance.commands.status:status", "saved, sent, line and last verified restore"),
    "survey": ("appliance.commands.survey:survey", "questionnaires to the staff: list, make, results"),
    "sync": ("appliance.commands.sync:sync", "sync alone, beside a keeper (started by systemd)"),
    "update": ("appliance.commands.update:update", "new versions, signed by the board's officers"),
    "support-bundle": (
        "appliance.commands.supportbundle:support_bundle",
        "figures and logs for support, no personal data",
    ),
    "usb": ("appliance.commands.usb:usb", "USB devices that the box refused"),
    "punch": ("appliance.commands.punch:punch", "the terminal at the entrance for coming and going"),
    "web": ("appliance.commands.web:web", "the office screen in a browser on this machine"),
}


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every name, sorted, without importing anything."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the named subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a wrong name in COMMANDS is a bug; a test walks it
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands from the table, so that `--help` imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kurabako", prog_name="kurabako")
def cli() -> None:
    """Kurabako 蔵箱: keeps a school office working when its line to the cloud is cut."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    forbid_dumps()
    keep_from_swap()
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. The only place that prints errors."""
    try:
        result = cli.main(args=None if argv is None else list(argv), prog_name="kurabako", standalone_mode=False)
    except KurabakoError as error:
        return report(error)
    except click.exceptions.Abort:
        click.echo("", err=True)
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:  # noqa: BLE001 - last resort: say it in words, keep the trace for support
        if os.environ.get("KURABAKO_DEBUG"):
            sys.excepthook(type(error), error, error.__traceback__)
        return report(error)
    return result if isinstance(result, int) else Exit.OK


def report(error: BaseException) -> int:
    """Print an error as `error:` and `hint:` lines on stderr; return its exit code."""
    told = explain(error, language())
    click.echo(f"error: {told.sentence} [{told.code}]", err=True)
    click.echo(f"hint: {told.hint}", err=True)
    return told.exit


if __name__ == "__main__":
    main()
