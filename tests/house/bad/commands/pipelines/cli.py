"""A command line with gaps."""

import click


def build(lang):
    """The group."""
    group = click.Group("bill400")
    as_json = click.Option(["--json", "as_json"], is_flag=True)
    group.add_command(click.Command("run", params=[as_json, click.Option(["--fast"])]))
    group.add_command(click.Command("take-back", params=[as_json]))
    group.add_command(click.Command("silent"))
    return group
