"""Each vendor's way of listing, paging and authenticating, against a server that behaves as documented."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.ingest.poll.conftest import Run, crowdstrike, github, google, graph, m365, open_for_business
from tests.ingest.poll.peer import Said
from tests.ingest.poll.vendors import CrowdStrike, GitHub, Google, Graph, Microsoft365, pem

from watchfloor.errors import InputError
from watchfloor.ingest.inputs.poll.poll import Poll


def _ago(**parts: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**parts)


def test_microsoft_365_content_is_subscribed_listed_and_fetched(run: Run) -> None:
    async def scenario() -> None:
        vendor = Microsoft365()
        for number in range(5):
            vendor.log("Audit.General", _ago(minutes=50 - number), [f"g{number}a", f"g{number}b"])
        vendor.log("Audit.Exchange", _ago(minutes=10), ["x1"])
        async with open_for_business(vendor) as peer, run.of(m365(peer.url, "Audit.General", "Audit.Exchange")):
            await run.until(lambda: len(run.taken.raw) == 11)
            vendor.log("Audit.General", _ago(seconds=1), ["later"])
            await run.until(lambda: len(run.taken.raw) == 12)
        assert sorted(set(run.ids("Id"))) == sorted(run.ids("Id"))
        assert vendor.started == {"Audit.General", "Audit.Exchange"}
        fetched = [asked.path for asked in peer.asked if "/audit/" in asked.path]
        assert len(fetched) == len(set(fetched))
        assert not run.states

    asyncio.run(scenario())


def test_a_token_that_ends_in_the_middle_is_renewed(run: Run) -> None:
    async def scenario() -> None:
        vendor = Microsoft365(good_for=3)
        for number in range(8):
            vendor.log("Audit.General", _ago(minutes=30 - number), [f"g{number}"])
        async with open_for_business(vendor) as peer, run.of(m365(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 8)
        assert vendor.tokens.given > 2
        assert not run.states

    asyncio.run(scenario())


def test_content_that_fails_is_fetched_again_and_the_rest_of_its_page_is_not(run: Run) -> None:
    async def scenario() -> None:
        vendor = Microsoft365()
        vendor.log("Audit.General", _ago(minutes=9), ["a"])
        vendor.log("Audit.General", _ago(minutes=8), ["b"])
        vendor.troubles.extend([vendor.answer, Said(None, 503, {"Retry-After": "1"})])
        async with open_for_business(vendor) as peer, run.of(m365(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 2)
        assert run.ids("Id") == ["a", "b"]
        assert [asked.path[-1] for asked in peer.asked if "/audit/" in asked.path] == ["0", "1", "1"]

    asyncio.run(scenario())


def test_a_kind_of_content_that_is_not_allowed_does_not_stop_the_others(run: Run) -> None:
    async def scenario() -> None:
        vendor = Microsoft365()
        vendor.log("Audit.General", _ago(minutes=9), ["a"])
        async with open_for_business(vendor) as peer, run.of(m365(peer.url, "DLP.All", "Audit.General")):
            await run.until(lambda: len(run.taken.raw) == 1 and bool(run.states))
        assert "DLP.All" in run.states[0]
        assert "AF10001" in run.states[0]

    asyncio.run(scenario())


def test_what_microsoft_does_not_keep_any_more_is_told_as_lost(run: Run) -> None:
    async def scenario() -> None:
        vendor = Microsoft365()
        vendor.log("Audit.General", _ago(days=6), ["old"])
        vendor.log("Audit.General", _ago(minutes=1), ["new"])
        run.state.mkdir(parents=True)
        upto, until = (int(_ago(days=days).timestamp()) for days in (10, 9))
        place = f'{{"upto":{upto},"since":{upto},"until":{until},"next":"https://manage.office.com/gone"}}'
        (run.state / "Audit.General.json").write_text(place)
        async with open_for_business(vendor) as peer, run.of(m365(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 2)
        assert "does not keep it any more" in run.states[0]

    asyncio.run(scenario())


def test_graph_gives_sign_ins_and_audits_over_its_next_links(run: Run) -> None:
    async def scenario() -> None:
        vendor = Graph()
        moments = [_ago(minutes=40 - number) for number in range(7)]
        vendor.records["signIns"] = [
            {"id": f"s{number}", "createdDateTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
            for number, moment in enumerate(moments)
        ]
        vendor.records["directoryAudits"] = [{"id": "d0", "activityDateTime": f"{moments[0]:%Y-%m-%dT%H:%M:%SZ}"}]
        async with open_for_business(vendor) as peer, run.of(graph(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 8)
        assert sorted(run.ids("id")) == ["d0", *(f"s{number}" for number in range(7))]
        assert not run.states

    asyncio.run(scenario())


def test_google_activities_come_for_a_signed_statement_page_by_page(run: Run) -> None:
    async def scenario() -> None:
        vendor = Google()
        for number in range(5):
            vendor.log("login", _ago(minutes=30 - number), number)
        vendor.log("drive", _ago(minutes=3), 1)
        # Google knows of it hours later.
        async with open_for_business(vendor) as peer, run.of(google(peer.url, vendor)):
            await run.until(lambda: len(run.taken.raw) == 6)
            vendor.log("login", _ago(minutes=4), 99)
            await run.until(lambda: len(run.taken.raw) == 7)
        assert vendor.claims["iss"] == "poller@example.iam.gserviceaccount.com"
        assert not run.states

    asyncio.run(scenario())


def test_a_busy_google_says_so_with_a_403(run: Run) -> None:
    async def scenario() -> None:
        vendor = Google()
        vendor.log("login", _ago(minutes=3), 1)
        reason = {"domain": "usageLimits", "reason": "rateLimitExceeded"}
        busy = Said(
            {"error": {"code": 403, "message": "Quota exceeded.", "errors": [reason]}}, 403, {"Retry-After": "1"}
        )
        async with open_for_business(vendor) as peer:
            vendor.troubles.extend([vendor.tokens.give(), busy])
            async with run.of(google(peer.url, vendor, applications=["login"])):
                await run.until(lambda: len(run.taken.raw) == 1)
        assert run.states[0].endswith("too many requests")

    asyncio.run(scenario())


def test_github_is_read_with_a_token_and_as_an_app(run: Run) -> None:
    async def scenario() -> None:
        vendor = GitHub()
        ids = [vendor.log(_ago(minutes=20 - number)) for number in range(5)]
        async with open_for_business(vendor) as peer:
            async with run.of(github(peer.url)):
                await run.until(lambda: len(run.taken.raw) == 5)
            assert run.ids("_document_id") == ids
            as_app = Run(run.state.with_name("as_app"))
            (run.state / "key.pem").write_text(pem(vendor.key))
            key = {"private_key": {"file": str(run.state / "key.pem")}}
            settings = {"org": "example", "api": peer.url, "app_id": 1234, "installation_id": 77, **key}
            async with as_app.of(Poll(source="github_audit", settings=settings, private=True)):
                await as_app.until(lambda: len(as_app.taken.raw) == 5)

    asyncio.run(scenario())


def test_late_records_inside_the_overlap_land_and_early_ones_land_once(run: Run) -> None:
    async def scenario() -> None:
        vendor = GitHub()
        vendor.log(_ago(minutes=3))
        async with open_for_business(vendor) as peer, run.of(github(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 1)
            late = vendor.log(_ago(minutes=5))
            await run.until(lambda: len(run.taken.raw) == 2)
            asked = len(peer.asked)
            await run.until(lambda: len(peer.asked) >= asked + 2)
        assert run.ids("_document_id")[1:] == [late]

    asyncio.run(scenario())


def test_pages_that_go_round_in_a_circle_are_noticed(run: Run) -> None:
    async def scenario() -> None:
        vendor = GitHub()

        def round_and_round(number: int) -> Said:
            link = f'<{vendor.url}/orgs/example/audit-log?after={number % 3}>; rel="next"'
            return Said([{"_document_id": f"x{number}"}], headers={"Link": link})

        vendor.troubles.extend([lambda _, number=number: round_and_round(number) for number in range(8)])  # type: ignore[misc]
        async with open_for_business(vendor) as peer, run.of(github(peer.url)):
            await run.until(lambda: bool(run.states))
            assert len(peer.asked) <= 6
        assert "round in a circle" in run.states[0]

    asyncio.run(scenario())


def test_crowdstrike_alerts_are_listed_fetched_and_come_again_when_they_change(run: Run) -> None:
    async def scenario() -> None:
        vendor = CrowdStrike()
        for number in range(8):
            vendor.log(_ago(minutes=20 - number), f"c1:ind:{number}")
        async with open_for_business(vendor) as peer, run.of(crowdstrike(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 8)
            vendor.log(_ago(seconds=1), "c1:ind:3")
            await run.until(lambda: len(run.taken.raw) == 9)
        assert run.ids("composite_id")[-1] == "c1:ind:3"
        assert not run.states

    asyncio.run(scenario())


def test_the_first_start_reads_back_as_far_as_it_is_told_to(run: Run) -> None:
    async def scenario() -> None:
        vendor = GitHub()
        vendor.log(_ago(minutes=50))
        recent = vendor.log(_ago(minutes=20))
        async with open_for_business(vendor) as peer, run.of(github(peer.url, lookback="30m")):
            await run.until(lambda: bool(run.taken.raw))
            assert run.ids("_document_id") == [recent]

    asyncio.run(scenario())


def test_two_inputs_of_one_name_are_refused_and_with_names_they_are_two(run: Run) -> None:
    async def scenario() -> None:
        vendor = GitHub()
        async with open_for_business(vendor) as peer, run.of(github(peer.url)):
            await run.until(lambda: bool(peer.asked))
            with pytest.raises(InputError, match="poll/github_audit: two inputs of this name"):
                async with Run(run.state).of(github(peer.url)):
                    await asyncio.sleep(0.2)
        assert github("https://example.com", name="a").path != github("https://example.com", name="b").path

    asyncio.run(scenario())
