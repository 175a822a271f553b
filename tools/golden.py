"""Rewrites the expected OCSF of every source's samples. Read the difference before you commit it."""

from watchfloor.normalize import load_sources
from watchfloor.testing.sources import write_golden

if __name__ == "__main__":
    for source in load_sources()[0]:
        write_golden(source)
        print(source.name)
