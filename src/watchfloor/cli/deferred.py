"""Commands whose modules are imported when they are called, so that each starts with what it needs itself."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Deferred(TyperCommand):
    """A command that is known by its name and by what lists say of it.

    ``place`` is where it is: ``module:attribute``, the attribute a function or a ``typer.Typer``.
    """

    def __init__(self, name: str, place: str, words: str) -> None:
        super().__init__(name, short_help=words)
        self._place = place

    def load(self) -> Any:
        """The command itself."""
        module, _, attribute = self._place.partition(":")
        found = getattr(import_module(module), attribute)
        holder = typer.Typer()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self.name)
        else:
            holder.command(self.name)(found)
        return typer.main.get_group(holder).commands[self.name or ""]

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """The context of the command itself, which is what is then invoked."""
        return self.load().make_context(*args, **kwargs)


def deferring(places: Mapping[str, tuple[str, str]]) -> type[TyperGroup]:
    """A group of commands in this order, each with its place and the words that lists have for it."""

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            for name, (place, words) in places.items():
                self.add_command(Deferred(name, place, words))

    return Group
