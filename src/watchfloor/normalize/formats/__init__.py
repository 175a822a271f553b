"""Text records as objects, by their structure alone; whose they are, the sources say.

======================  =============================================================================
:mod:`.syslog`          the envelope of a line, RFC 5424 or RFC 3164; what follows is the payload
:mod:`.cef`             ``CEF:0|…``
:mod:`.leef`            ``LEEF:1.0|…``, ``LEEF:2.0|…``
:mod:`.pairs`           logfmt, and other lines of ``key=value``
:mod:`.event_xml`       a Windows event as XML
:mod:`.message`         a mail
======================  =============================================================================

A payload that is a JSON object is the record, as is one of the other formats; of anything else the record has the text
under ``message``. The envelope stands beside it under ``syslog``.
"""

from watchfloor.normalize.formats.payload import Text, read_document, read_structure, read_text

__all__ = ["Text", "read_document", "read_structure", "read_text"]
