"""Response: what could be done about a case, bound to targets and decided step by step. Nothing is executed yet.

``action`` and ``playbook`` load the declarations, ``workflow`` checks and walks a playbook's graph, ``condition``
compares a target's findings with what a playbook asks for, ``targets`` finds whom a case implicates, ``propose`` binds
playbooks to targets, ``library`` is what was loaded.
"""
