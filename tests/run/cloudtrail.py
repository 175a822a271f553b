"""CloudTrail records of one person's key."""

from datetime import UTC, datetime, timedelta

import orjson


def call(number: int, service: str, name: str, parameters: dict[str, str], agent: str = "aws-cli/2") -> bytes:
    """The ``number``-th call, so many seconds after ten o'clock."""
    when = datetime(2026, 3, 17, 10, tzinfo=UTC) + timedelta(seconds=number)
    return orjson.dumps(
        {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDAEXAMPLE",
                "arn": "arn:aws:iam::111122223333:user/mallory",
                "accountId": "111122223333",
                "accessKeyId": "AKIAEXAMPLE",
                "userName": "mallory",
            },
            "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": service,
            "eventName": name,
            "awsRegion": "eu-central-1",
            "sourceIPAddress": "203.0.113.9",
            "userAgent": agent,
            "requestParameters": parameters,
            "responseElements": None,
            "eventID": f"00000000-0000-4000-8000-{number:012}",
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        }
    )
