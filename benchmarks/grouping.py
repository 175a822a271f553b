"""How well findings are grouped into cases: pairwise precision and recall by attack sample.

    uv run python benchmarks/grouping.py OUT LABELS EVENTS

OUT is the data folder of an investigation of one file of EVTX records as JSON, EVENTS is that file and LABELS its
labels: a JSON object a line with ``file``, the sample that the record is of. A sample is separable if no other sample
has a record of the same host in the same hour; only findings of separable samples are paired.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import orjson
import zstandard


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a plain or zstd file."""
    with path.open("rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file).read() if path.suffix == ".zst" else file.read()
    return iter(data.splitlines())


def host_hours(events: Path, samples: list[str]) -> dict[str, set[tuple[str, str]]]:
    """The hosts and hours that each sample has records of."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for sample, line in zip(samples, lines(events), strict=True):
        system = orjson.loads(line)["Event"]["System"]
        found[sample].add(
            (
                str(system["Computer"]).lower().partition(".")[0],
                str(system["TimeCreated"]["#attributes"]["SystemTime"])[:13],
            )
        )
    return found


def separable(places: dict[str, set[tuple[str, str]]]) -> set[str]:
    """The samples that share no host and hour with another."""
    crowd = Counter(place for own in places.values() for place in own)
    return {sample for sample, own in places.items() if all(crowd[place] == 1 for place in own)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="How well findings are grouped into cases.")
    parser.add_argument("out", type=Path, help="the data folder of an investigation")
    parser.add_argument("labels", type=Path, help="its labels, with the sample of each record")
    parser.add_argument("events", type=Path, help="the file of records that was investigated")
    arguments = parser.parse_args()
    out, labels, events = arguments.out, arguments.labels, arguments.events
    samples = [orjson.loads(line)["file"] for line in lines(labels)]
    alone = separable(host_hours(events, samples))
    sample_of = {}
    for line in lines(out / "findings.ndjson"):
        finding = orjson.loads(line)
        uid = finding["finding_info"]["uid"]
        sample_of[uid] = samples[finding["unmapped"]["origins"][0]["line"] - 1]
    together, right = 0, 0
    cases, purity = 0, []
    grouped: Counter[str] = Counter()
    same_case: Counter[str] = Counter()
    for line in lines(out / "cases.ndjson"):
        cases += 1
        members = Counter(sample_of[uid] for uid in orjson.loads(line)["unmapped"]["finding_uids"])
        members = Counter({sample: count for sample, count in members.items() if sample in alone})
        if members.total() > 1:
            purity.append(max(members.values()) / members.total())
        together += members.total() * (members.total() - 1) // 2
        for sample, count in members.items():
            right += count * (count - 1) // 2
            same_case[sample] += count * (count - 1) // 2
            grouped[sample] += count
    possible = sum(count * (count - 1) // 2 for count in grouped.values())
    print(f"samples {len(set(samples))}, separable {len(alone)}, with a finding in a case {len(grouped)}")
    print(f"findings {len(sample_of)}, cases {cases}, findings per case {len(sample_of) / max(cases, 1):.1f}")
    print(
        f"pairwise precision {right / max(together, 1):.4f} ({right} of {together} pairs in one case are of one sample)"
    )
    print(f"mean purity of a case {sum(purity) / max(len(purity), 1):.4f} over {len(purity)} cases of several findings")
    print(
        f"pairwise recall    {right / max(possible, 1):.4f} ({right} of {possible} pairs of one sample are in one case)"
    )


if __name__ == "__main__":
    main()
