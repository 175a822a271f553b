"""A simulated company: days of vendor-native logs with attacks and their benign twins, and the truth about them.

``company(seed)`` founds it, ``write_day(out, seed=…, day=…)`` writes its logs. A vendor module (okta, m365, entra,
cloudtrail, windows, logons, directory, sysmon) turns a moment into one record; benign and machines fill the day with
ordinary work; story and twins tell what matters; delivery puts it all into files as the products do.
"""

from watchfloor.simulate.company import Company, Person, company
from watchfloor.simulate.write import Progress, Summary, write_day

__all__ = ["Company", "Person", "Progress", "Summary", "company", "write_day"]
