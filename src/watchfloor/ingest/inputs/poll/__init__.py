"""Polling: asks vendors' APIs for records, with one small framework and a ``poll.yml`` in a source's folder.

===================  ================================================================================================
:mod:`.definition`   ``poll.yml``: settings, how to authenticate, what to list, page by page, which permissions it takes
:mod:`.values`       what an input says for the settings; secrets are references, read when they are used
:mod:`.egress`       where a request may go: origins that the settings name, public addresses, TLS
:mod:`.exchange`     one request and its answer, within a size and a time
:mod:`.auth`         headers, OAuth 2, Google service accounts, GitHub Apps
:mod:`.pace`         waits: what the vendor's headers say, and longer ones while it fails
:mod:`.api`          all of these together; a failure is told by what it means (:mod:`.fault`)
:mod:`.reader`       one stream, page by page (:mod:`.pages`, :mod:`.records`)
:mod:`.reading`      a stream into an intake, from where its cursor stands (:mod:`.cursor`)
:mod:`.backfill`     a time that is past, beside live traffic
:mod:`.permissions`  what the credentials lack
:mod:`.poll`         the input
===================  ================================================================================================
"""
