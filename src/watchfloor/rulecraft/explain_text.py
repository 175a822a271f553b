"""An explanation as plain text: a tree with a mark at each part."""

from rich.text import Text
from rich.tree import Tree

from watchfloor.console.text import visible
from watchfloor.native import LogSource
from watchfloor.rulecraft.explain import Explanation, Node

VALUE, PATTERN = 240, 400
"""How many characters of a value and of a pattern are shown."""

_MARKS = {True: "✓", False: "✗"}
_NAMES = {"all": "all of", "any": "one of", "not": "not"}


def explanation_tree(explanation: Explanation) -> Tree:
    """The tree of an explanation; what a log or a rule says is made visible."""
    rule = explanation.rule.rule
    verdict = "matches" if explanation.matches else "does not match"
    tree = Tree(Text(f"{_MARKS[explanation.matches]} {visible(rule.title)} ({visible(rule.id)}) {verdict}"))
    tree.add(Text(f"{_MARKS[explanation.of_log_source]} {log_source_words(explanation)}"))
    _add(tree, explanation.tree)
    return tree


def log_source_words(explanation: Explanation) -> str:
    """Of which log source the event must be, and of which it is."""
    wanted = spelled(explanation.rule.logsource)
    if explanation.rule.logsource.product == "ocsf":
        return f"the log source is {wanted}"
    served = ", ".join(map(spelled, explanation.served)) or "none"
    return visible(f"the log source is {wanted}; the event serves {served}", PATTERN)


def spelled(logsource: LogSource) -> str:
    """A log source in short.

    >>> spelled(LogSource("windows", "", "security"))
    'windows/*/security'
    """
    return "/".join(part or "*" for part in (logsource.product, logsource.category, logsource.service))


def _add(tree: Tree, node: Node) -> None:
    branch = tree.add(Text(f"{_MARKS[node.holds]} {label(node)}"))
    for part in node.parts:
        _add(branch, part)


def label(node: Node) -> str:
    """What a part of the tree says, without its mark."""
    match node.kind:
        case "test":
            return f"{comparison_words(node)}: {value_words(node)}"
        case "search":
            return visible(node.name)
        case "at least":
            return f"at least {node.count} of"
    return _NAMES[node.kind]


def comparison_words(node: Node) -> str:
    """The field, how it is compared, and with what."""
    return visible(" ".join(part for part in (node.field or "any value", node.relation, node.pattern) if part), PATTERN)


def value_words(node: Node) -> str:
    """What the field has."""
    if not node.values:
        return "the event has no such field" if node.field else "the event has no value"
    shown = ", ".join(f'"{visible(value, VALUE)}"' for value in node.values)
    more = f" and {node.more:,} more" if node.more else ""
    return f"{'met by' if node.holds else 'saw'} {shown}{more}"
