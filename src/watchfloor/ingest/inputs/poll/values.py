"""What an input says for a poller's settings: texts, lists, and where its secrets are."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from watchfloor.errors import InputError
from watchfloor.ingest.inputs.poll.definition import Auth, Definition
from watchfloor.ingest.inputs.poll.template import fill, names
from watchfloor.secret import Secret

MAX_TEXT = 2048
MAX_MANY = 64


class Values(msgspec.Struct, frozen=True):
    """Settings by name; secrets are read when they are used, and only then."""

    texts: Mapping[str, str]
    many: Mapping[str, tuple[str, ...]]
    secrets: Mapping[str, Secret]

    def each(self, over: Mapping[str, str]) -> Iterable[Mapping[str, str]]:
        """The texts, once for each value of the setting that ``over`` names; once if it names none."""
        if not over:
            yield self.texts
        for name, setting in over.items():
            for value in self.many.get(setting, ()):
                yield {**self.texts, name: value}

    def base(self, definition: Definition) -> str:
        """Where the API is, without a slash at the end."""
        return fill(definition.base, self.texts).rstrip("/")

    def auth(self, definition: Definition) -> Auth:
        """The first way to authenticate whose settings are there.

        Raises:
            InputError: There is none.
        """
        known = {*self.texts, *self.secrets}
        for auth in definition.auth:
            if all(names(text) <= known for text in auth.templates()):
                return auth
        ways = [", ".join(sorted(set().union(*map(names, auth.templates())) - known)) for auth in definition.auth]
        raise InputError(f"no credentials: missing {' or '.join(ways)}")

    def filled(self, template: str) -> tuple[str, tuple[str, ...]]:
        """A template with its secrets, and those secrets.

        Raises:
            InputError: A secret is not where it should be; names the place.
        """
        read = {name: self.secrets[name].read() for name in names(template) if name in self.secrets}
        return fill(template, {**self.texts, **read}), tuple(read.values())


def values(definition: Definition, given: Mapping[str, Any]) -> Values:
    """The settings of an input, checked against what ``poll.yml`` says of them.

    Raises:
        InputError: One is missing, unknown or not of its kind; names the setting, never what it holds.
    """
    if unknown := sorted(set(given) - set(definition.settings)):
        raise InputError(f"settings: no {unknown[0]!r}; there are {', '.join(sorted(definition.settings))}")
    texts: dict[str, str] = {}
    many: dict[str, tuple[str, ...]] = {}
    secrets: dict[str, Secret] = {}
    for name, setting in definition.settings.items():
        value = given.get(name, setting.default)
        if value is None:
            if not setting.optional:
                raise InputError(f"settings: {name} is missing: {setting.help}")
        elif setting.secret:
            secrets[name] = _secret(name, value)
        elif setting.many:
            many[name] = _many(name, value)
        else:
            texts[name] = _text(name, value)
    return Values(texts, many, secrets)


def _secret(name: str, value: Any) -> Secret:
    try:
        return msgspec.convert(value, Secret, dec_hook=lambda kind, text: kind(text))
    except msgspec.ValidationError:
        raise InputError(f"settings: {name} is a secret: write {{file: PATH}} or {{env: NAME}}, never itself") from None


def _many(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_MANY:
        raise InputError(f"settings: {name} is a list of 1 to {MAX_MANY} texts")
    return tuple(dict.fromkeys(_text(name, one) for one in value))


def _text(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT or not text.isprintable():
        raise InputError(f"settings: {name} is one line of text")
    return text
