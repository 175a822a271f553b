r"""Windows Security events on accounts and groups: 4720, 4732, 4738.

A 4738 that changes the user principal name is where the events themselves connect a SID, ``DOMAIN\user`` and a mail
address.
"""

from watchfloor.simulate.record import Json, Record, Scene
from watchfloor.simulate.windows import Account, Logon, security, subject


def account_created(scene: Scene, time: int, host: str, by: Logon, account: Account) -> Record:
    """4720: a user account was created."""
    data = _target(account) | subject(by) | {"PrivilegeList": "-"} | _attributes(account.name, "%%1793")
    return security(scene, time, host, 4720, data | {"OldUacValue": "0x0", "NewUacValue": "0x15"})


def account_changed(scene: Scene, time: int, host: str, by: Logon, account: Account, *, upn: str = "-") -> Record:
    """4738: a user account was changed; ``upn`` is its new user principal name, if that is what changed."""
    data = {"Dummy": "-"} | _target(account) | subject(by) | {"PrivilegeList": "-"} | _attributes("-", "-")
    return security(scene, time, host, 4738, data | {"UserPrincipalName": upn})


def joined_group(
    scene: Scene, time: int, host: str, by: Logon, member: Account, *, group: str = "Administrators"
) -> Record:
    """4732: an account became a member of a local group."""
    data = {
        "MemberName": "-",
        "MemberSid": member.sid,
        "TargetUserName": group,
        "TargetDomainName": "Builtin",
        "TargetSid": "S-1-5-32-544" if group == "Administrators" else "S-1-5-32-555",
        **subject(by),
        "PrivilegeList": "-",
    }
    return security(scene, time, host, 4732, data)


def _target(account: Account) -> Json:
    return {"TargetUserName": account.name, "TargetDomainName": account.domain, "TargetSid": account.sid}


def _attributes(name: str, empty: str) -> Json:
    return {
        "SamAccountName": name,
        "DisplayName": empty,
        "UserPrincipalName": "-",
        "HomeDirectory": empty,
        "HomePath": empty,
        "ScriptPath": empty,
        "ProfilePath": empty,
        "UserWorkstations": empty,
        "PasswordLastSet": "%%1794" if name != "-" else "-",
        "AccountExpires": "%%1794" if name != "-" else "-",
        "PrimaryGroupId": "513" if name != "-" else "-",
        "AllowedToDelegateTo": "-",
        "OldUacValue": "-",
        "NewUacValue": "-",
        "UserAccountControl": "\r\n\t\t%%2080\r\n\t\t%%2082\r\n\t\t%%2084" if name != "-" else "-",
        "UserParameters": empty,
        "SidHistory": "-",
        "LogonHours": "%%1797" if name != "-" else "-",
    }
