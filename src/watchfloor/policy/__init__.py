"""Policy: may this actor do this action to this resource now? Cedar decides; every answer names its policies.

``request`` is the question, ``rules`` loads and checks the ``.cedar`` files, ``cedar`` evaluates them, ``engine`` turns
permit and forbid into permit, needs-approval or deny, ``desk`` asks on behalf of a case, ``inventory`` knows what is
known of a resource, ``explain`` says why and what else is possible, ``check`` runs the cases of the policy folders.
"""
