"""HTTP: whoever has a token may deliver records, and is told that they are taken once they are on disk.

=======================================  ===================================================================
``POST /ingest``                         NDJSON, JSON, CSV, text or event logs, plain or compressed; the same
                                         framing as for files (:mod:`watchfloor.ingest`)
``/services/collector/…``                the Splunk HTTP Event Collector (:mod:`~watchfloor.ingest.http.hec`)
``/_bulk``, ``/INDEX/_bulk``             Elasticsearch (:mod:`~watchfloor.ingest.http.bulk`)
``/v1/logs``                             OpenTelemetry (:mod:`~watchfloor.ingest.http.otlp`)
``GET /health``                          whether all is well, for a load balancer; needs no token
``GET /status``                          what has landed, was worked on and dropped, by source and reason
=======================================  ===================================================================

An answer never holds what a sender sent. 401: no such token; 408: the body did not come in time; 413: too large; 429:
try again after the seconds in ``Retry-After``; 503: the disk refuses it. With 429 and 503 nothing was taken, or it is
not known: a sender repeats the request, and records that were taken are recognised by their uid.
"""
